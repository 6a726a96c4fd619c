package acceptance

// The stages of the walk, in their order.
const (
	StageRead      = "read"      // what the seller shows without an order
	StageOrder     = "order"     // open
	StageChallenge = "challenge" // what the client publishes is there, and the seller was asked to look again
	StageIssue     = "issue"     // the certificate is stored
	StageReissue   = "reissue"   // reopen
	StageReissued  = "reissued"  // the certificate of the reissue is stored
	StageRenewal   = "renewal"   // prolong
	StageRenewed   = "renewed"   // the certificate of the next term is stored
	StageClose     = "close"     // close
)
