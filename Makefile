# weft: one Makefile for everything. See README.md.
#
#   make            builds bin/            make demo     the main job on generated sales
#   make check      passes every test      make bench    speeds, beside PyTorch
#   make coverage   lines and branches     make check-long  hours; needs root and debootstrap
#   make install    PREFIX, DESTDIR        make deps     installs what is missing
#   make SAN=address,undefined | SAN=thread ...   sanitizer builds, kept apart under build/

.SUFFIXES:
.DELETE_ON_ERROR:
SHELL := /bin/bash

PREFIX  ?= /usr/local
DESTDIR ?=
SAN     ?=
CC      ?= cc
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS  ?= -O3 -g

comma   := ,
flavour := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)
BUILD   ?= build/$(flavour)
BIN     ?= $(if $(SAN),$(BUILD)/bin,bin)

# What pkg-config calls each library. msgpack's C part was renamed on the way (Debian 12: msgpack; 13: msgpack-c). Each is asked for by itself:
# one unknown name would empty the answer for all of them.
has = $(shell pkg-config --exists $(1) 2>/dev/null && echo $(1))
ifneq ($(MAKECMDGOALS),clean)
ifneq ($(MAKECMDGOALS),deps)
PKGS := libzmq $(or $(call has,msgpack-c),msgpack) openblas lapacke jansson libutf8proc zlib
PKG_MISSING := $(strip $(foreach p,$(PKGS),$(if $(call has,$(p)),,$(p))))
PKG_CFLAGS  := $(foreach p,$(PKGS),$(shell pkg-config --cflags $(p) 2>/dev/null))
PKG_LIBS    := $(foreach p,$(PKGS),$(shell pkg-config --libs $(p) 2>/dev/null))
endif
endif

GITHASH := $(shell git rev-parse --short=12 HEAD 2>/dev/null)

WEFT_CFLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -Iinclude/weft -Wall -Wextra -Wno-missing-field-initializers -Werror -Wshadow -Wstrict-prototypes \
  -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -fno-common -fno-math-errno -ffp-contract=off -fstack-protector-strong -pthread \
  $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -O1 -Wno-error) $(PKG_CFLAGS)
WEFT_LIBS := $(PKG_LIBS) -lcsv -ldnnl -lgomp -lm -pthread

layers   := base frame cluster record show measure rank report nn model text image ingest order train apply
lib_src  := $(sort $(foreach l,$(layers),$(wildcard src/$(l)/*.c)))
lib_obj  := $(lib_src:%.c=$(BUILD)/%.o)
cmd_src  := $(sort $(wildcard src/cmd/*.c))
programs := $(cmd_src:src/cmd/%.c=%)
unit_src := $(sort $(wildcard tests/unit/test_*.c))
units    := $(unit_src:tests/unit/%.c=$(BUILD)/unit/%)
gen_src  := $(sort $(wildcard tests/gen/*.c))
gens     := $(gen_src:tests/gen/%.c=$(BUILD)/gen/%)
fuzz_src := $(sort $(wildcard tests/fuzz/fuzz_*.c))
bench_src := $(sort $(wildcard tests/bench/*.c))
benches  := $(bench_src:tests/bench/%.c=$(BUILD)/bench/%)

all: $(programs:%=$(BIN)/%) $(BIN)/weft pages

# Short lines; make V=1 shows whole commands.
say = printf '  %-4s %s\n' '$(1)' '$(2)'
ifdef V
.SHELLFLAGS := -xc
endif

# Objects depend on the flags they were made with: a change of CFLAGS rebuilds.
$(BUILD)/flags: FORCE
	@[ -z '$(PKG_MISSING)' ] || { echo 'make: pkg-config does not know: $(PKG_MISSING); make deps installs what is missing' >&2; exit 69; }
	@mkdir -p $(@D); echo '$(CC) $(CFLAGS) $(WEFT_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS) $(WEFT_CFLAGS)' > $@
# What --version prints, rewritten only when it changed.
LIBRARIES := $(foreach p,$(PKGS),$(p) $(shell pkg-config --modversion $(p) 2>/dev/null))
$(BUILD)/version_build.h: FORCE
	@mkdir -p $(@D); printf '#define WEFT_GIT "%s"\n#define WEFT_LIBRARIES "%s"\n' '$(GITHASH)' '$(LIBRARIES)' > $@.new; \
	  cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# The schemas, compiled in so that `frames check` finds them wherever weft is installed.
schemas := $(sort $(wildcard schemas/*.json))
$(BUILD)/schemas_build.h: $(schemas) Makefile
	@mkdir -p $(@D)
	@{ echo 'static const char *const weft_schema_texts[] = {'; for f in $(schemas); do \
	  sed 's/\\/\\\\/g; s/"/\\"/g; s/^[[:space:]]*/    "/; s/$$/\\n"/' $$f; echo ','; done; echo 'NULL};'; } > $@

$(BUILD)/src/record/schema.o: $(BUILD)/schemas_build.h
$(BUILD)/tests/%.o build/fuzz/tests/%.o: WEFT_CFLAGS += -Wno-write-strings
$(BUILD)/%.o: %.c $(BUILD)/flags | $(BUILD)/version_build.h
	@mkdir -p $(@D)
	@$(call say,CC,$<)
	@$(CC) $(CFLAGS) $(WEFT_CFLAGS) -I$(BUILD) -MMD -MP -c -o $@ $<

$(BUILD)/libweft.a: $(lib_obj)
	@rm -f $@
	@ar rcs $@ $^

# A program is its object and what it needs from the library, so that small filters load no BLAS. Programs that look models up by
# name get the objects of all models that register themselves in the table (include/weft/model/model.h), and no others: the networks of photos and
# names would bring oneDNN into programs that only know series.
link = $(CC) $(CFLAGS) $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(BUILD)/libweft.a $(WEFT_LIBS)
model_obj := $(patsubst %.c,$(BUILD)/%.o,$(shell grep -l ^WEFT_MODEL src/model/*.c))
$(BIN)/score $(BIN)/backtest $(BIN)/calibrate $(BIN)/explain $(BIN)/train-ensemble $(units) $(benches): $(model_obj)

$(BIN)/%: $(BUILD)/src/cmd/%.o $(BUILD)/libweft.a
	@mkdir -p $(@D)
	@$(call say,LD,$@)
	@$(link)
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libweft.a
	@mkdir -p $(@D)
	@$(call say,LD,$@)
	@$(link) -lcmocka
$(BUILD)/gen/%: $(BUILD)/tests/gen/%.o $(BUILD)/libweft.a
	@mkdir -p $(@D)
	@$(call say,LD,$@)
	@$(link)
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libweft.a
	@mkdir -p $(@D)
	@$(call say,LD,$@)
	@$(link)

# What makes calls of the programs fail (tests/fault): loaded ahead of the C library.
$(BUILD)/fault/fault.so: tests/fault/fault.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(call say,LD,$@)
	@$(CC) -std=c11 -O1 -Wall -Wextra -Werror -fPIC -shared -o $@ $<

# Fuzzers: clang, libFuzzer, address and undefined sanitizers, objects of their own.
fuzz_flags = $(filter-out -fstack-protector-strong,$(WEFT_CFLAGS)) -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -g -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
build/fuzz/%.o: %.c $(BUILD)/flags | $(BUILD)/version_build.h $(BUILD)/schemas_build.h
	@mkdir -p $(@D)
	@$(call say,FUZZ,$<)
	@clang $(fuzz_flags) -I$(BUILD) -MMD -MP -c -o $@ $<
build/fuzz/libweft.a: $(lib_src:%.c=build/fuzz/%.o)
	@rm -f $@
	@ar rcs $@ $^
build/fuzz/%: build/fuzz/tests/fuzz/%.o build/fuzz/libweft.a
	@$(call say,LD,$@)
	@clang $(fuzz_flags) -fsanitize=fuzzer -Wl,--as-needed -o $@ $< build/fuzz/libweft.a $(WEFT_LIBS)
fuzzers: $(fuzz_src:tests/fuzz/%.c=build/fuzz/%)

print-flags: $(BUILD)/schemas_build.h $(BUILD)/version_build.h
	@echo '$(WEFT_CFLAGS) -I$(BUILD)'

# The manual pages are the programs' own text; committed, so that they can be read without a build.
man: all
	@for p in $(programs); do $(BIN)/$$p --help=mdoc > src/cmd/$$p.1; done

units: $(units)
gens: $(gens) $(BUILD)/fault/fault.so
benches: $(benches)

# --- set-up, demonstration, tests, measurements ---

# What a fresh machine lacks is installed first; a second make then sees the libraries.
deps:
	@tests/deps.sh build
demo:
	@tests/deps.sh demo
	@$(MAKE) --no-print-directory all gens
	@BUILD='$(BUILD)' BIN='$(BIN)' tests/demo.sh
check:
	@tests/deps.sh check
	@BUILD='$(BUILD)' BIN='$(BIN)' tests/check.sh
# Fresh machines: make demo with nothing done by hand, and a smoke test.
check-debian12:
	@tests/debian.sh bookworm
check-debian13:
	@tests/debian.sh trixie
# What takes too long for every change: ten minutes a fuzzer, two hundred runs of the chaos, every call that can fail, fresh machines.
check-long: tidy check-debian12 check-debian13
	@FUZZ_SECONDS=600 CHAOS_RUNS=200 FAULT_POINTS=2000 LIMIT_STEPS=12 $(MAKE) --no-print-directory check
check-layers:
	@tests/check-layers.sh
# clang-tidy (.clang-tidy says what of it) over every file, or over FILES; the check does it without the analyzer.
tidy:
	@tests/tidy.sh $(FILES)
# Lays all C out as .clang-format says.
format:
	@find src include tests -name '*.[ch]' -print0 | xargs -0 clang-format -i
# Which lines and branches the unit and program tests reach. Objects and programs of their own, under build/coverage.
coverage:
	@tests/deps.sh coverage
	@tests/coverage.sh
bench:
	@tests/deps.sh bench
	@$(MAKE) --no-print-directory all gens benches
	@BUILD='$(BUILD)' BIN='$(BIN)' tests/bench/bench.sh

# --- installation: programs under libexec, one command on the PATH ---

libexec := $(PREFIX)/libexec/weft
share   := $(PREFIX)/share/weft
mandir  := $(PREFIX)/share/man
completion := $(PREFIX)/share/bash-completion/completions/weft
VERSION := $(shell sed -n 's/.*WEFT_VERSION "\(.*\)".*/\1/p' include/weft/frame/version.h)
fill    := sed 's|@LIBEXEC@|$(libexec)|; s|@SHARE@|$(share)|; s|@MAN@|$(mandir)|; s|@VERSION@|$(VERSION)|'

# Pages by the names that man knows them by: those of programs, those written by hand, and those of pipelines, made of their usage.
pipelines := $(shell find pipelines -name '*.sh' -perm -u+x -printf '%f ' | sed 's/\.sh / /g')
page_names := man1/weft.1 man1/weft-exit.1 man5/weft-stream.5 $(programs:%=man1/weft-%.1) $(pipelines:%=man1/weft-%.1)
pages: $(page_names:%=$(BUILD)/man/%)
$(BUILD)/man/man1/%: src/cmd/%
	@install -D -m 644 '$<' '$@'
$(BUILD)/man/man5/%: src/cmd/%
	@install -D -m 644 '$<' '$@'
$(programs:%=$(BUILD)/man/man1/weft-%.1): $(BUILD)/man/man1/weft-%.1: src/cmd/%.1
	@install -D -m 644 '$<' '$@'
$(pipelines:%=$(BUILD)/man/man1/weft-%.1): $(BUILD)/man/man1/weft-%.1: pipelines/%.sh src/cmd/page.awk include/weft/frame/version.h
	@mkdir -p '$(@D)'; WEFT_CALLED='weft $*' '$<' --help | awk -v name='$*' -v summary="$$(sed -n '2s/^# [^ ]* - //; 2s/\.$$//p' '$<')" \
	  -v date="$$(sed -n 's/.*WEFT_RELEASE_DATE "\(.*\)".*/\1/p' include/weft/frame/version.h)" -f src/cmd/page.awk >'$@'

# The tree's own weft, so that what docs, help and hints say works before anything is installed.
$(BIN)/weft: src/cmd/weft.sh include/weft/frame/version.h Makefile
	@mkdir -p $(@D); sed 's|@LIBEXEC@|$(abspath $(BIN))|; s|@SHARE@|$(CURDIR)|; s|@MAN@|$(abspath $(BUILD))/man|; s|@VERSION@|$(VERSION)|' $< >$@ && chmod 755 $@

install: all
	@install -d '$(DESTDIR)$(libexec)' '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(mandir)/man1' '$(DESTDIR)$(mandir)/man5' '$(DESTDIR)$(share)/pipelines' \
	  '$(DESTDIR)$(share)/schemas' '$(DESTDIR)$(share)/python' '$(DESTDIR)$(dir $(completion))'
	@install -m 755 $(programs:%=$(BIN)/%) '$(DESTDIR)$(libexec)'
	@for f in $(page_names); do install -m 644 "$(BUILD)/man/$$f" "$(DESTDIR)$(mandir)/$$f" || exit 1; done
	@for f in pipelines/*.sh; do install -m "$$([ -x "$$f" ] && echo 755 || echo 644)" "$$f" '$(DESTDIR)$(share)/pipelines' || exit 1; done
	@install -m 644 pipelines/*.csv pipelines/*.jq '$(DESTDIR)$(share)/pipelines'
	@install -m 644 schemas/* '$(DESTDIR)$(share)/schemas'
	@install -m 644 python/*.py '$(DESTDIR)$(share)/python'
	@$(fill) src/cmd/weft.sh > '$(DESTDIR)$(PREFIX)/bin/weft' && chmod 755 '$(DESTDIR)$(PREFIX)/bin/weft'
	@$(fill) src/cmd/weft.bash > '$(DESTDIR)$(completion)'
	@echo "installed in $(DESTDIR)$(PREFIX); weft --help says what there is"
uninstall:
	rm -rf '$(DESTDIR)$(libexec)' '$(DESTDIR)$(share)'
	rm -f '$(DESTDIR)$(PREFIX)/bin/weft' '$(DESTDIR)$(completion)' $(page_names:%='$(DESTDIR)$(mandir)/%')

clean:
	rm -rf build bin/*

FORCE:
.PHONY: all man pages units gens benches fuzzers print-flags deps demo check check-long check-debian12 check-debian13 coverage format tidy check-layers bench install uninstall clean FORCE
.SECONDARY:
-include $(wildcard $(BUILD)/src/*/*.d $(BUILD)/tests/*/*.d)
