// Package admin is the control plane: the REST API over gin, the jobs behind
// it, the recorder that books usage, and the publisher that tells the data
// plane what changed.
//
// It owns the rules of people, teams, budgets and transfers and leaves
// storage to [Records] (for good) and [Live] (the open windows).
package admin
