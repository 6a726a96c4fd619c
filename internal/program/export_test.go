package program

// OutputText returns what the log and an error show of an output that came in these pieces.
func OutputText(pieces ...string) (logged, lastLine string) {
	out := &tail{mask: masker(nil)}
	for _, piece := range pieces {
		_, _ = out.Write([]byte(piece))
	}
	return out.text(), out.lastLine()
}
