package terminal

import (
	"slices"
	"strings"
)

// MaxWidth is the number of columns of a terminal that texts are made for.
const MaxWidth = 100

// gap separates the columns of a table.
const gap = "  "

// minColumn is the width below which a column is not made narrower so that a table fits.
const minColumn = 8

// Column describes a column of a Table.
type Column struct {
	Title string // may be empty
	Right bool   // aligned at the right, for numbers
	Min   int    // least width; 0 for none
	Max   int    // greatest width, longer cells are cut with an ellipsis; 0 for none
}

// Cell is one cell of a Table: a text in one line, and the style that it is shown in.
type Cell struct {
	Text  string
	Style func(string) string // a method of Styles; nil for none
}

// Text returns a cell without a style.
func Text(text string) Cell { return Cell{Text: text} }

// Table formats rows of cells in aligned columns.
type Table struct {
	Columns []Column
	Styles  Styles // of the titles
	Width   int    // of the whole table; 0 for MaxWidth
	Indent  int    // blanks before each line, which count for the width
	// Wrap breaks the cells of the last column into lines, aligned below each other, instead of cutting them.
	Wrap bool
}

// Render returns the titles, unless all are empty, and the rows, each ended by a line end.
func (t Table) Render(rows [][]Cell) string {
	widths := t.Widths(rows)
	var b strings.Builder
	b.WriteString(t.Header(widths))
	for _, row := range rows {
		b.WriteString(t.Line(widths, row))
	}
	return b.String()
}

// Widths returns the widths of the columns for the rows. Where they do not fit, the widest columns become narrower; with Wrap
// the last one does first.
func (t Table) Widths(rows [][]Cell) []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = max(c.Min, Width(c.Title))
		for _, row := range rows {
			if i < len(row) {
				widths[i] = max(widths[i], Width(clean(row[i].Text)))
			}
		}
		if widths[i] = min(widths[i], t.limit()); c.Max > 0 {
			widths[i] = min(widths[i], c.Max)
		}
	}
	t.fit(widths)
	return widths
}

// fit makes columns narrower until the table fits or none can become narrower.
func (t Table) fit(widths []int) {
	if len(widths) == 0 {
		return
	}
	excess := func() int {
		sum := t.Indent + len(gap)*(len(widths)-1)
		for _, width := range widths {
			sum += width
		}
		return sum - t.limit()
	}
	if last := len(widths) - 1; t.Wrap && excess() > 0 {
		widths[last] = max(widths[last]-excess(), min(widths[last], 3*minColumn))
	}
	for excess() > 0 {
		widest := slices.Max(widths)
		if widest <= minColumn {
			return
		}
		widths[slices.Index(widths, widest)]--
	}
}

func (t Table) limit() int {
	if t.Width > 0 {
		return t.Width
	}
	return MaxWidth
}

// Header returns the line of the titles for the widths; empty if all titles are.
func (t Table) Header(widths []int) string {
	titles := make([]Cell, len(t.Columns))
	empty := true
	for i, c := range t.Columns {
		titles[i] = Cell{c.Title, t.Styles.Bold}
		empty = empty && c.Title == ""
	}
	if empty {
		return ""
	}
	return t.Line(widths, titles)
}

// Line returns one row for the widths, which Widths returned or which the caller chose. It has more than one line if the last
// column wraps.
func (t Table) Line(widths []int, row []Cell) string {
	var b strings.Builder
	used := t.Indent
	blanks := t.Indent // written before the next cell that is not empty, so that no line ends with a blank
	for i, width := range widths {
		cell := Cell{}
		if i < len(row) {
			cell = row[i]
		}
		last := i == len(widths)-1
		for n, part := range t.parts(clean(cell.Text), width, last) {
			if n > 0 {
				b.WriteString("\n")
				blanks = used
			}
			pad := width - Width(part)
			if t.Columns[i].Right {
				blanks += pad
				pad = 0
			}
			if part != "" {
				b.WriteString(strings.Repeat(" ", blanks) + styled(cell.Style, part))
				blanks = 0
			}
			blanks += pad
		}
		blanks += len(gap)
		used += width + len(gap)
	}
	return b.String() + "\n"
}

// parts returns the lines of one cell.
func (t Table) parts(text string, width int, last bool) []string {
	if !last || !t.Wrap {
		return []string{Cut(text, width)}
	}
	return strings.Split(Wrap(text, width, ""), "\n")
}

func styled(style func(string) string, text string) string {
	if style == nil {
		return text
	}
	return style(text)
}

// clean returns a cell's text in one line that changes nothing else of what the terminal shows.
func clean(text string) string {
	return Styles{}.Clean(strings.Join(strings.Fields(text), " "))
}
