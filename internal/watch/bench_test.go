package watch_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"pmssl/internal/watch"
)

// Looks at sites of which each has one name and one address, 40 at once as a sweep does: names that are looked up by DNS and
// certificates that are read from a server in this process. -benchtime 100000x looks at 100,000 names.
func BenchmarkLook(b *testing.B) {
	i := newInternet(b)
	cert := issue(b, newKey(b), "CA", now(), nil, "example.com")
	config := &tls.Config{Certificates: []tls.Certificate{cert.tls}}
	i.serve("192.0.2.80", func(conn net.Conn) { _ = tls.Server(conn, config).Handshake() })
	var mu sync.Mutex
	var open, most int
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		open += n
		most = max(most, open)
	}
	site := i.sites["192.0.2.80:443"]
	w := watch.New(watch.Options{Resolver: resolver, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		count(1)
		if address == resolver {
			here, there := net.Pipe()
			go answerAddress(b, there, "192.0.2.80")
			return &counted{Conn: here, closed: func() { count(-1) }}, nil
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", site)
		if err != nil {
			count(-1)
			return nil, err
		}
		return &counted{Conn: conn, closed: func() { count(-1) }}, nil
	}})
	slots := make(chan struct{}, 40)
	var all sync.WaitGroup
	b.ResetTimer()
	for range b.N {
		slots <- struct{}{}
		all.Go(func() {
			look, err := w.Look(context.Background(), watch.Target{Leaf: cert.leaf})
			if err != nil || look.Outcome() != watch.Current {
				b.Errorf("%+v %v", look, err)
			}
			<-slots
		})
	}
	all.Wait()
	b.StopTimer()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	require.LessOrEqual(b, most, 20)
	b.ReportMetric(float64(most), "connections")
	b.ReportMetric(float64(memory.Sys)/(1<<20), "MiB")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "looks/s")
}

// answerAddress answers questions for A with the address.
func answerAddress(b *testing.B, conn net.Conn, address string) {
	i := &internet{t: b, records: []string{fmt.Sprintf("example.com. 60 A %s", address)}}
	i.answer(conn)
}
