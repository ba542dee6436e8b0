package main

import (
	"net/http"
	"net/url"
)

// mockTransport sends every request, whatever its host, to one server as plain HTTP: the client
// believes that it talks to WhatsApp, and no other host can be reached.
type mockTransport struct {
	host string
	next http.RoundTripper
}

func newMockTransport(server *url.URL) *mockTransport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.ForceAttemptHTTP2 = false
	return &mockTransport{host: server.Host, next: transport}
}

func (m *mockTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	redirected := req.Clone(req.Context())
	redirected.URL.Scheme = "http"
	redirected.URL.Host = m.host
	redirected.Host = m.host
	return m.next.RoundTrip(redirected)
}
