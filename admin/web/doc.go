// Package web serves the web app: a build of the sources beside it, which is in the program when that was built with the tag ui, and
// else read from a folder.
package web
