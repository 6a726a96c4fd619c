package purchase

import (
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/item"
	"pmssl/internal/itemparam"
)

// maxResolveValue is the number of characters of a value from the seller or the panel that the text shows.
const maxResolveValue = 200

// resolveAnswer returns the document of resolve; for people it sets Print to a text instead.
func (j *Buyer) resolveAnswer(doc *etree.Document, node *etree.Element, open string) *etree.Document {
	if !j.TextOutput() {
		return doc
	}
	j.Print = j.resolveText(node, open)
	return nil
}

// resolveText returns for people what resolve did, or would do with --yes. open is the intent that the item had.
func (j *Buyer) resolveText(node *etree.Element, open string) string {
	var b strings.Builder
	value := func(name string) string { return item.DisplayLine(node.SelectAttrValue(name, ""), maxResolveValue) }
	fmt.Fprintf(&b, "%s, open purchase: %s\n", item.DisplayLine(j.Item.Label(), maxResolveValue), openText(open))
	var steps []string
	if id := value("id"); id != "" {
		what := strings.Fields(value("state") + " " + value("type"))
		if name := value("name"); name != "" {
			what = append(what, "for", name)
		}
		fmt.Fprintf(&b, "id %s at %s: %s\n", id, j.Info.Title, strings.Join(what, " "))
		steps = append(steps, "record that "+id+" is this item's order")
		if from := value("from"); from != "" {
			steps = append(steps, "remove "+id+" from item "+from+", which has another one now")
		}
	}
	if released := value("released"); released != "" {
		steps = append(steps, "never take "+released+" for this item's order again")
	}
	if dropped := value("dropped"); dropped != "" {
		steps = append(steps, "remove the ids "+dropped+" from the item")
	}
	if open != "" {
		steps = append(steps, "close the open purchase")
	}
	lead, end := "would ", j.Styles.Bold("nothing was done: repeat the command with --yes to do it")
	if j.Args.Yes {
		lead, end = "", j.Styles.Green("done")
	}
	for _, step := range steps {
		b.WriteString("- " + lead + step + "\n")
	}
	return b.String() + end + "\n"
}

// openText returns an intent for people: "create positivessl, 24 months, 2026-11-22T10:30:00Z".
func openText(raw string) string {
	if raw == "" {
		return "none"
	}
	in, err := ParseIntent(raw)
	if err != nil {
		return "unreadable (" + itemparam.Intent + ")"
	}
	text := in.Kind + " " + in.Product
	if months := in.months(); months > 0 {
		text += fmt.Sprintf(", %d months", months)
	}
	return item.DisplayLine(text+", "+in.Time.UTC().Format(time.RFC3339), maxResolveValue)
}
