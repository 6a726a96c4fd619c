// Package lifecycle takes a paid order through its life at the seller: activation, domain validation, status, the stored
// certificate, reissue, renewal, import and close (rules STORE-1 to STORE-10).
package lifecycle
