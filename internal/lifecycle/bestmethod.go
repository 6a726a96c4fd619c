package lifecycle

import (
	"context"
	"strings"

	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// Words of approver_method that an item is moved to (docs/reference/billmanager.md §4.1).
const (
	wordCNAME = "auth_dnscname"
	wordFile  = "auth_http"
)

// bestMethod moves an item that is validated by e-mail to DNS or, where that is not possible, to files, if the settings say
// so and every name has a publisher and evidence for it (option SSLUnattendedMethod). To be called before a reissue.
func (j *Order) bestMethod(ctx context.Context) error {
	if j.Publishing == nil || j.Dry != nil || j.Publishing.Mode() != publish.On || !j.Publishing.Best() {
		return nil
	}
	request, err := j.Request()
	if err != nil || request.Method != seller.MethodEmail {
		return nil // what is wrong with it is told when it is handed to the seller
	}
	for _, word := range []string{wordCNAME, wordFile} {
		if err := j.publishable(ctx, request.AllNames(), word); err != nil {
			j.Log.Infof("its validation method stays e-mail, %s is not possible: %v", word, err)
			continue
		}
		j.Log.Infof("its validation method was e-mail and is %s from now on", word)
		j.movedFromMail = true
		return j.SaveParam(ctx, itemparam.Method, word)
	}
	return nil
}

// backToMail moves an item back to e-mail that was moved from it for a reissue which the seller did not take: whether it would take
// another method is not known, and the next reissue decides anew. An item stays as it is once e-mail is not allowed any more.
func (j *Order) backToMail(ctx context.Context) error {
	if !j.movedFromMail || j.checkEmailAllowed() != nil {
		return nil
	}
	j.movedFromMail = false
	return j.SaveParam(ctx, itemparam.Method, methodWordEmail)
}

// publishable returns why the challenges of a validation method could not be published for every name; nil if they could.
func (j *Order) publishable(ctx context.Context, names []string, word string) error {
	var records []publish.Record
	for _, name := range names {
		bare := strings.TrimPrefix(name, "*.")
		if word == wordFile {
			r := publish.FileRecord("http://"+name+"/.well-known/pki-validation/pmssl.txt", "pmssl")
			r.Domain = bare
			records = append(records, r)
			continue
		}
		r := publish.DNSRecord("_pmssl."+bare, string(publish.CNAME), "pmssl.invalid")
		r.Domain = bare
		records = append(records, r)
	}
	_, err := j.Publishing.Place(ctx, publish.Order{Item: j.Item.Item, Account: j.Item.Account, Names: names}, records)
	return err
}

// moveToFile has an order validated by files whose record cannot stand in DNS, where the settings and the seller allow it.
// It reports whether it did.
func (j *Order) moveToFile(ctx context.Context, id int64, names []string) (bool, error) {
	if j.Publishing.Mode() != publish.On || !j.Publishing.Best() || !j.canChangeMethod() || j.ChallengeParam() == wordFile+"_value" {
		return false, nil
	}
	if err := j.publishable(ctx, names, wordFile); err != nil {
		j.Log.Infof("its challenges cannot be published as files either: %v", err)
		return false, nil
	}
	return true, j.submitMethod(ctx, id, wordFile, j.Item.Params[itemparam.Approver])
}
