package walk

import (
	"flag"
	"io"
	"strings"

	"pmssl/internal/sandbox/provider"
)

// Command is what the command line of pmssl-walk asks for.
type Command struct {
	Options
	Sellers []string
	Workers int
}

// ParseFlags reads the command line of pmssl-walk without the program's name. The programs are in bin unless it names another folder.
// The error is flag.ErrHelp if it asks for help, which is written to out.
func ParseFlags(args []string, bin string, out io.Writer) (Command, error) {
	flags := flag.NewFlagSet("pmssl-walk", flag.ContinueOnError)
	flags.SetOutput(out)
	seed := flags.Uint64("seed", 1, "decides every step; the n-th walk of 2,000 steps has the seed n above it")
	steps := flags.Int("steps", 10_000, "steps in all")
	kills := flags.Int("kills", 0, "one run of so many is killed at a system call, and the panel runs it again; 0 kills none")
	workers := flags.Int("workers", 1, "walks at the same time")
	seller := flags.String("seller", "", "one of "+strings.Join(provider.Sellers(), ", ")+"; without it they take turns")
	engine := flags.String("engine", "mariadb", "database: mariadb or embedded")
	show := flags.Int("show", 30, "steps that a difference shows")
	folder := flags.String("bin", bin, "folder of the programs that make build, sandbox and simclock have built")
	if err := flags.Parse(args); err != nil {
		return Command{}, err
	}
	c := Command{Options: Options{Bin: *folder, Engine: *engine, Seed: *seed, Steps: *steps, Kills: *kills, Show: *show}, Sellers: provider.Sellers(), Workers: *workers}
	if *seller != "" {
		c.Sellers = []string{*seller}
	}
	return c, nil
}
