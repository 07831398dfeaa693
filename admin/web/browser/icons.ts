// The registry names icons; here nobody draws them, and six thousand files need not be read.
export {};
