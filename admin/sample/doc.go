// Package sample makes up an organisation: people, departments, teams and
// projects with the names and sizes of real ones, and what they used, hour by
// hour, as the data plane would have recorded it. The same shape gives the
// same organisation, to the byte.
//
// Figures and pictures are taken on it, and the demo data of the web app is a
// small one.
package sample
