package deliver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

// notThere returns why a name of the certificate is no site of a program's server; nil if it may be one. CAs add www to a
// certificate for one name, also where there is no such site, and a program cannot be asked which sites its server has. So a www
// that is in the certificate beside its parent, and has no address in DNS, is no site. If DNS does not answer it may be one.
func (s *service) notThere(ctx context.Context, f found, names []string) error {
	parent, www := strings.CutPrefix(f.name, "www.")
	if !www || f.block.Kind != publish.KindExec || s.o.Addresses == nil || !slices.Contains(names, parent) {
		return nil
	}
	if addresses, err := s.o.Addresses(ctx, f.name); err != nil || len(addresses) > 0 {
		return nil
	}
	return fmt.Errorf("%w: %s has no address in DNS", ErrNoBlock, pki.DisplayName(f.name))
}
