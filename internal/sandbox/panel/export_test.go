package panel

// ErrorOf exports errorOf for its test.
var ErrorOf = errorOf
