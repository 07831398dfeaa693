// Package config is the settings of both planes, typed and checked before anything starts.
//
// They come from the environment and from a .env file; the real environment beats the file, and an empty value counts as unset.
// A loader reports every setting that is wrong at once, each with what to do. .env.example lists them all; a test holds it and
// this package together. A value that must not be read by others is a Secret, which no log or error prints.
package config
