package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/fault"
)

func TestErrorReturnsTypeObjectAndMessage(t *testing.T) {
	assert.EqualError(t, fault.Errorf(fault.Value, "csr", "%d bits", 1024), "value (csr): 1024 bits")
	assert.EqualError(t, fault.Errorf(fault.DB, "", "refused"), "db: refused")
	assert.EqualError(t, &fault.Error{Type: fault.Client, Err: io.ErrUnexpectedEOF}, "client: unexpected EOF")
	assert.EqualError(t, &fault.Error{Type: fault.Client}, "client: ")
}

func TestErrorfKeepsItsCauses(t *testing.T) {
	one := fault.Errorf(fault.Client, "seller", "no answer: %w", io.EOF)
	assert.ErrorIs(t, one, io.EOF)
	assert.Equal(t, io.EOF, one.Err)
	two := fault.Errorf(fault.Client, "seller", "%w and then %w", io.EOF, io.ErrClosedPipe)
	assert.ErrorIs(t, two, io.EOF)
	assert.ErrorIs(t, two, io.ErrClosedPipe)
	assert.Equal(t, "EOF and then io: read/write on closed pipe", two.Message)
	assert.NoError(t, fault.Errorf(fault.Value, "", "no cause").Unwrap())
}

func TestRetryableChangesTheFaultItself(t *testing.T) {
	failure := fault.Errorf(fault.Locked, "item", "busy")
	assert.False(t, failure.Retry)
	assert.Same(t, failure, failure.Retryable())
	assert.True(t, failure.Retry)
}

func TestFromReturnsTheOutermostFault(t *testing.T) {
	assert.Nil(t, fault.From(nil))

	inner := fault.Errorf(fault.Client, "seller", "no answer")
	assert.Same(t, inner, fault.From(inner))
	assert.Same(t, inner, fault.From(fmt.Errorf("syncing 42: %w", inner)))
	assert.Same(t, inner, fault.From(errors.Join(io.EOF, inner)))

	outer := fault.Errorf(fault.Approver, "", "%w", inner)
	assert.Same(t, outer, fault.From(fmt.Errorf("approver: %w", outer)))
	assert.ErrorIs(t, outer, inner)

	plain := fmt.Errorf("reading: %w", io.EOF)
	got := fault.From(plain)
	assert.Equal(t, fault.Internal, got.Type)
	assert.Equal(t, "reading: EOF", got.Message)
	assert.ErrorIs(t, got, io.EOF)

	var none *fault.Error
	assert.Equal(t, fault.Internal, fault.From(error(none)).Type, "an error without content is still an error")
}
