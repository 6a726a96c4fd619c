# Targets for administrators (build, install) and for developers (the rest). `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

MGR5_ROOT ?= /usr/local/mgr5
PREFIX ?= /usr/local/lib/pmssl
DATADIR ?= /usr/local/share
DESTDIR ?=
DEMO_DB ?= embedded
PANEL_LISTEN ?= 127.0.0.1:8086
FUZZTIME ?= 20s

# The version comes from git, in a tarball of `make dist` from the file VERSION.
RELEASE := $(shell scripts/version.sh)
VERSION ?= $(word 1,$(RELEASE))
COMMIT ?= $(word 2,$(RELEASE))
SOURCE_DATE_EPOCH ?= $(word 3,$(RELEASE))

PRODUCTS := $(patsubst cmd/%/main.go,%,$(wildcard cmd/*/main.go))
UNITS := $(wildcard etc/systemd/*.service etc/systemd/*.timer)

# The modules to install. A tarball of `make dist` holds programs for the usual machines; without Go those of bin/ are taken.
MODULES ?= $(PRODUCTS)
MACHINE := $(subst aarch64,arm64,$(subst x86_64,amd64,$(shell uname -m)))
PREBUILT ?= $(wildcard prebuilt/linux-$(MACHINE))
BUILT := $(if $(PREBUILT)$(if $(shell command -v go),,no Go),,build)

# Programs of the nested module, by their folder; only those that exist are built. Its mgrctl gets another name, so that
# it is not confused with the panel's.
SANDBOX := $(patsubst internal/sandbox/cmd/%/main.go,%,$(wildcard internal/sandbox/cmd/*/main.go))
SANDBOX_PROGRAMS := $(filter-out demo sandbox-web sandbox-floor campaign-table,$(SANDBOX))
program = $(if $(filter mgrctl,$(1)),sandbox-mgrctl,$(if $(filter demo walk,$(1)),pmssl-$(1),$(1)))

# Go's own version stamp uses git and fails in a checkout of another owner; the version above replaces it.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false
SANDBOX_BUILD := CGO_ENABLED=0 go -C internal/sandbox build -trimpath -buildvcs=false
# No client of the modules speaks HTTP/2, so net/http is built without it.
TAGS := nethttpomithttp2
STAMP := -ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)'

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## build the modules into bin/ (static)
	$(if $(PRODUCTS),,$(error there is no cmd/*/main.go to build))
	@mkdir -p bin
	@for name in $(PRODUCTS); do \
	    echo "building bin/$$name ($(VERSION))"; \
	    $(GO_BUILD) -tags $(TAGS) $(STAMP) -o "bin/$$name" "./cmd/$$name"; \
	done

.PHONY: install
install: $(BUILT) ## install the modules, built if Go is there: programs to PREFIX, links to the panel, pages to DATADIR (MODULES, DESTDIR, MGR5_ROOT)
	@scripts/install.sh install "$(DESTDIR)" "$(PREFIX)" "$(DATADIR)" "$(MGR5_ROOT)" "$(or $(PREBUILT),bin)" $(MODULES)

.PHONY: uninstall
uninstall: ## remove what install and install-systemd have put there, and put the panel's own modules back
	@scripts/install.sh uninstall "$(DESTDIR)" "$(PREFIX)" "$(DATADIR)" "$(MGR5_ROOT)" - $(MODULES)

.PHONY: install-systemd
install-systemd: ## copy the units of the hourly sweep to /etc/systemd/system (DESTDIR, MGR5_ROOT)
	@scripts/install-systemd.sh "$(DESTDIR)/etc/systemd/system" "$(MGR5_ROOT)" $(UNITS)

.PHONY: packages
packages: ## make .deb and .rpm for amd64 and arm64 in dist/ (development)
	@VERSION='$(VERSION)' COMMIT='$(COMMIT)' SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' scripts/packages.sh dist

.PHONY: dist
dist: ## make a tarball with the source and programs for amd64 and arm64 in dist/ (development)
	@VERSION='$(VERSION)' COMMIT='$(COMMIT)' SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' scripts/dist.sh dist

.PHONY: sandbox
sandbox: ## build the stand-in panel and sellers into bin/ (development only)
	@mkdir -p bin
	@$(foreach name,$(SANDBOX_PROGRAMS),echo 'building bin/$(call program,$(name))'; \
	    $(SANDBOX_BUILD) -o '$(CURDIR)/bin/$(call program,$(name))' './cmd/$(name)';)

# The modules with a simulated clock (build tag pmssl_simclock), in a folder of their own.
.PHONY: simclock
simclock:
	@mkdir -p bin/simclock
	@for name in $(PRODUCTS); do \
	    echo "building bin/simclock/$$name"; \
	    $(GO_BUILD) -tags $(TAGS),pmssl_simclock $(STAMP) -o "bin/simclock/$$name" "./cmd/$$name"; \
	done

.PHONY: demo demo-namecheap demo-ispmgr
demo: ## simulate five years of two orders with both modules, from the wizard to the last certificate (DEMO_DB=embedded|mariadb)
demo-namecheap: ## the same with pmnamecheap alone
demo-ispmgr: ## the same with pmispmgrssl alone
demo demo-namecheap demo-ispmgr: build sandbox simclock
	@if [ '$(DEMO_DB)' = mariadb ]; then scripts/mariadb.sh; fi
	@echo 'building bin/pmssl-demo'
	@$(SANDBOX_BUILD) -o '$(CURDIR)/bin/pmssl-demo' ./cmd/demo
	@DEMO_DB='$(DEMO_DB)' PMSSL_BIN='$(CURDIR)/bin' bin/pmssl-demo $(patsubst demo-%,%,$(filter demo-%,$@))

.PHONY: panel
panel: simclock ## a provider's panel with both modules in the browser, in simulated time, on loopback (PANEL_LISTEN=127.0.0.1:8086)
	@if [ '$(DEMO_DB)' = mariadb ]; then scripts/mariadb.sh; fi
	@echo 'building bin/sandbox-mgrctl, bin/sandbox-web'
	@$(SANDBOX_BUILD) -o '$(CURDIR)/bin/sandbox-mgrctl' ./cmd/mgrctl
	@$(SANDBOX_BUILD) -o '$(CURDIR)/bin/sandbox-web' ./cmd/sandbox-web
	@DEMO_DB='$(DEMO_DB)' PMSSL_BIN='$(CURDIR)/bin' PMSSL_ETC='$(CURDIR)/etc' PANEL_LISTEN='$(PANEL_LISTEN)' bin/sandbox-web

.PHONY: pictures
pictures: simclock ## write the pictures of the stand-in panel's page into docs/pictures, with chromium (development only)
	@$(SANDBOX_BUILD) -o '$(CURDIR)/bin/sandbox-mgrctl' ./cmd/mgrctl
	CI=true E2E_DB=embedded PICTURES='$(CURDIR)/docs/pictures' PMSSL_BIN='$(CURDIR)/bin' go -C internal/sandbox test -count=1 -timeout 30m -run '^TestPicturesOfThePanelPage$$' ./e2e

.PHONY: test
test: build sandbox simclock ## unit tests, then end-to-end tests against a private MariaDB
	@PMSSL_BIN='$(CURDIR)/bin' scripts/test.sh

.PHONY: unattended
unattended: build sandbox simclock ## five simulated years with each publisher, against real servers; runs killed at each step
	@scripts/mariadb.sh || [ $$? = 3 ] # 3: it cannot be had here, the embedded engine takes its place
	E2E_STEPS=all PMSSL_BIN='$(CURDIR)/bin' go -C internal/sandbox test -count=1 -timeout 60m -v -run '^TestUnattended' ./e2e

.PHONY: campaign
campaign: build sandbox simclock ## kills, faults, processes at once and random walks beside the reference model; an hour or two (CAMPAIGN_SEED=1)
	@scripts/mariadb.sh
	@PMSSL_BIN='$(CURDIR)/bin' scripts/campaign.sh dist/campaign.jsonl

.PHONY: lint
lint: ## go vet, staticcheck, gofmt, import directions, globals below cmd, complexity, shell scripts
	@scripts/lint.sh

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (20s)
	@scripts/fuzz.sh '$(FUZZTIME)'

.PHONY: bench
bench: build sandbox simclock ## run the benchmarks, among them a sweep over 100,000 items in MariaDB
	@scripts/mariadb.sh || [ $$? = 3 ] # 3: it cannot be installed, so the embedded engine is used
	go test -run '^$$' -bench . -benchmem ./...
	PMSSL_BIN='$(CURDIR)/bin' go -C internal/sandbox test -run '^$$' -bench . -benchmem -timeout 30m ./...

.PHONY: bench-peers
bench-peers: build sandbox simclock ## compare pmnamecheap with a plain module in Python on the same stand-ins and MariaDB (installs Debian's packages as root)
	@scripts/mariadb.sh
	@scripts/plain-module.sh
	BENCH_PEERS=1 E2E_DB=mariadb PMSSL_BIN='$(CURDIR)/bin' go -C internal/sandbox test -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 1x -timeout 30m ./e2e

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist
