package panel

// ErrorOf is tested by itself.
var ErrorOf = errorOf
