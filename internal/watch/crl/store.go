package crl

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"pmssl/internal/plaintext"
	"pmssl/internal/sorting"
)

const (
	// fetchAgain is the age at which a list is fetched again, retryAfter how long after an attempt that failed the next one is
	// made (rules REVOKE-2).
	fetchAgain = 6 * time.Hour
	retryAfter = time.Hour
	// maxSilent is how many lists of one host are waited for in vain in one run.
	maxSilent = 2
)

// Options are what a Store works with.
type Options struct {
	// Dial opens connections, as net.Dialer.DialContext does.
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Resolver Resolver
	Now      func() time.Time
	// Private says that addresses which the Internet does not reach are asked too.
	Private bool
	// Folder is the path of the folder with copies of lists. The folder above it must exist.
	Folder string
	// ReadOnly says that nothing is written.
	ReadOnly bool
}

// Service asks lists. Store is the one of the programs.
type Service interface {
	Sort(queries []Query)
	Ask(ctx context.Context, q Query) (Answer, error)
	Issuer(ctx context.Context, leaf *x509.Certificate) (*x509.Certificate, error)
	Close(all bool, queries []Query) error
}

var _ Service = (*Store)(nil)

// Store asks lists, and keeps copies of them. It is for one run and one goroutine, and holds one list at a time in memory.
type Store struct {
	o         Options
	fetchTime time.Duration // fetchTime; tests shorten it
	folder    folder
	lists     map[string]*known // by name
	silent    map[string]int    // lists of a host that were waited for in vain
}

// Open returns a Store. An error says why copies cannot be kept, or those of earlier runs not be used; the Store works all the
// same.
func Open(o Options) (*Store, error) {
	s := &Store{o: o, fetchTime: fetchTime, silent: map[string]int{}, lists: map[string]*known{}}
	var err error
	if s.folder, err = openFolder(o.Folder, o.ReadOnly); err != nil {
		return s, fmt.Errorf("lists of revoked certificates are not kept: %w", err)
	}
	if s.lists, err = s.folder.readIndex(o.Now()); err != nil {
		return s, fmt.Errorf("%s: %w", o.Folder, err)
	}
	return s, nil
}

// Failure says why a list could not be fetched or not be used.
type Failure struct {
	URL string
	// First says that this list could be used the last time: the failure is news.
	First bool
	Err   error
	// Issuer says that it is the certificate of an issuer, and not a list.
	Issuer bool
}

// Error names the list and the reason.
func (f *Failure) Error() string {
	if f.Issuer {
		return fmt.Sprintf("the certificate %s of the issuer of certificates that were stored without their chain cannot be used: %v", line(f.URL), f.Err)
	}
	return fmt.Sprintf("the list of revoked certificates %s cannot be used: %v", line(f.URL), f.Err)
}

// Unwrap returns the reason.
func (f *Failure) Unwrap() error { return f.Err }

// Answer is what a list says.
type Answer struct {
	// Known says that the list was read: what is not in Revoked is not revoked, as far as the list knew at ThisUpdate.
	Known                  bool
	Revoked                []Entry
	ThisUpdate, NextUpdate time.Time
	// Failure says why the list could not be fetched now; nil if it was, or did not have to be. If Known, an earlier copy was
	// used instead.
	Failure *Failure
}

// name returns the name of the copy of a query's list. One URL may stand in certificates of several issuers, and a list is one
// issuer's.
func (q Query) name() string {
	sum := sha256.Sum256(slices.Concat([]byte(q.URL), []byte{0}, q.Issuer.RawSubject, []byte{0}, q.Issuer.RawSubjectPublicKeyInfo))
	return hex.EncodeToString(sum[:])
}

// of returns what is known about a list; nil if it is a further one and there are too many.
func (s *Store) of(q Query) *known { return s.named(q.name(), q.URL) }

// named returns what is known about a file by its name.
func (s *Store) named(name, from string) *known {
	if s.lists[name] == nil && len(s.lists) < maxLists {
		s.lists[name] = &known{Name: name, URL: line(from)}
	}
	return s.lists[name]
}

// isFresh reports whether the list was fetched so lately that its copy is used.
func (s *Store) isFresh(k *known) bool {
	return k.Size > 0 && s.o.Now().Sub(k.Fetched) < fetchAgain
}

// mayFetch reports whether an attempt may be made now. A list of which no copy could be kept is not fetched more often than others.
func (s *Store) mayFetch(k *known) bool {
	now := s.o.Now()
	if !k.Failing.IsZero() {
		return now.Sub(k.Tried) >= retryAfter
	}
	return k.Size > 0 || now.Sub(k.Fetched) >= fetchAgain
}

// Sort puts queries into the order in which they are to be asked: those with a fresh copy, then those that were not tried for the
// longest time. So each has its turn if there is no time for all.
func (s *Store) Sort(queries []Query) {
	tried := func(q Query) time.Time {
		switch k := s.lists[q.name()]; {
		case k == nil:
			return time.Time{}.Add(1)
		case s.isFresh(k):
			return time.Time{}
		default:
			return k.Tried.Add(1)
		}
	}
	sorting.Stable(queries, func(a, b Query) int { return cmp.Or(tried(a).Compare(tried(b)), strings.Compare(a.URL, b.URL)) })
}

// Ask asks a list. Whatever the other side does ends in the Answer; an error means that the context ended.
func (s *Store) Ask(ctx context.Context, q Query) (Answer, error) {
	k := s.of(q)
	if k == nil {
		return Answer{Failure: &Failure{URL: q.URL, Err: fmt.Errorf("there are more than %d lists", maxLists)}}, nil
	}
	k.asked = true
	if s.isFresh(k) {
		if read, err := s.readCopy(q, k); err == nil {
			return answerOf(read), nil
		}
	}
	if !s.mayFetch(k) || s.isSilent(q.URL) {
		return s.fromCopy(q, k, nil), nil
	}
	der, read, err := s.fetchList(ctx, q, k)
	if ctx.Err() != nil {
		return Answer{}, ctx.Err()
	}
	if failure := s.noteAnswer(k, q.URL, err); failure != nil {
		return s.fromCopy(q, k, failure), nil
	}
	if err := s.keep(k, der); err != nil {
		answer := answerOf(read)
		answer.Failure = &Failure{URL: q.URL, First: true, Err: fmt.Errorf("it was read, and no copy can be kept: %w", err)}
		return answer, nil
	}
	return answerOf(read), nil
}

// fetchList fetches and reads a list. One that is older than the copy is an error as long as that counts: whoever is between here
// and the CA must not hide what is revoked meanwhile.
func (s *Store) fetchList(ctx context.Context, q Query, k *known) ([]byte, result, error) {
	der, err := s.fetch(ctx, q.URL, maxList, s.fetchTime)
	if err != nil {
		return nil, result{}, err
	}
	read, err := q.read(der, s.o.Now())
	if err != nil {
		return nil, result{}, err
	}
	if copied, err := s.readCopy(Query{URL: q.URL, Issuer: q.Issuer}, k); err == nil && read.thisUpdate.Before(copied.thisUpdate) {
		return nil, result{}, fmt.Errorf("it is of %s, older than the copy of %s", stamp(read.thisUpdate), stamp(copied.thisUpdate))
	}
	return der, read, nil
}

// fromCopy answers with the copy of a list that cannot be fetched now, if it still counts.
func (s *Store) fromCopy(q Query, k *known, failure *Failure) Answer {
	read, err := s.readCopy(q, k)
	answer := answerOf(read)
	answer.Known, answer.Failure = err == nil, failure
	return answer
}

// readCopy reads the copy of a list and checks it as if it came from the CA.
func (s *Store) readCopy(q Query, k *known) (result, error) {
	if k.Size == 0 {
		return result{}, errors.New("there is no copy")
	}
	der, err := s.folder.read(k.Name+copySuffix, maxList)
	if err != nil {
		return result{}, err
	}
	return q.read(der, s.o.Now())
}

// keep keeps a list. If the copies are too many bytes, this one is not kept: the list is fetched again when its time has come.
func (s *Store) keep(k *known, der []byte) error {
	total := int64(len(der))
	for _, other := range s.lists {
		if other != k {
			total += other.Size
		}
	}
	k.Size = 0
	if total > maxKept {
		return fmt.Errorf("the copies have more than %d MiB", maxKept>>20)
	}
	if err := s.folder.write(k.Name+copySuffix, der); err != nil {
		return err
	}
	k.Size = int64(len(der))
	return nil
}

func answerOf(r result) Answer {
	return Answer{Known: true, Revoked: r.revoked, ThisUpdate: r.thisUpdate, NextUpdate: r.nextUpdate}
}

// isSilent reports whether the URL's host was waited for in vain several times in this run.
func (s *Store) isSilent(address string) bool {
	at, err := url.Parse(address)
	return err == nil && s.silent[at.Host] >= maxSilent
}

// noteAnswer notes how a fetch ended. It returns the failure, nil if there is none.
func (s *Store) noteAnswer(k *known, address string, err error) *Failure {
	if at, failed := url.Parse(address); failed == nil && isSilence(err) {
		s.silent[at.Host]++
	}
	k.Tried = s.o.Now().UTC()
	if err == nil {
		k.Fetched, k.Failing, k.Why = k.Tried, time.Time{}, ""
		return nil
	}
	first := k.Failing.IsZero()
	if first {
		k.Failing = k.Tried
	}
	err = plaintext.Error(err, maxWhy) // it may repeat what a server sent
	k.Why = err.Error()
	return &Failure{URL: address, First: first, Err: err}
}

// Close keeps what is known about the lists. With all, every list that certificates name was asked, or is among the queries; what
// is known about others is forgotten.
func (s *Store) Close(all bool, queries []Query) error {
	if s.folder.root == nil {
		return nil
	}
	defer s.folder.root.Close()
	if s.o.ReadOnly {
		return nil
	}
	if all {
		for _, q := range queries {
			if k := s.lists[q.name()]; k != nil {
				k.asked = true
			}
		}
		maps.DeleteFunc(s.lists, func(_ string, k *known) bool { return !k.asked })
	}
	written := index{Version: indexVersion, Lists: slices.Collect(maps.Values(s.lists))}
	sorting.Func(written.Lists, func(a, b *known) int { return cmp.Compare(a.Name, b.Name) })
	raw, err := json.Marshal(written)
	if err == nil {
		err = s.folder.write(indexName, raw)
	}
	if err == nil {
		err = s.folder.removeOthers(s.lists)
	}
	if err != nil {
		return fmt.Errorf("what is known about lists of revoked certificates cannot be kept in %s: %w", s.o.Folder, err)
	}
	return nil
}
