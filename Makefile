# `make` is `make run`: it installs what is missing, builds the program in release mode, and runs its demo.
# `make help` lists the targets. It reads this file: "##@" begins a group, and "##" after a target describes it.

SWIFT ?= swift
# CI adds -Xswiftc -warnings-as-errors.
FLAGS ?=
# The tests cover all traits. A program that links the library chooses its own.
TRAITS = --traits Encryption,Macros,Remote
# Builds for sanitizers and for speed: with Macros, each would build swift-syntax, too.
LEAN = --traits Encryption
SCRATCH ?= .build-nested
# The examples build the root package without Encryption, and Tools builds it with Encryption.
EXAMPLES_SCRATCH ?= .build-examples
PACKAGES = Tools Examples Examples/TaskService Examples/FieldService Benchmarks
NESTED = $(foreach p,$(PACKAGES),$(p)/Package.swift $(p)/Sources) \
	Tools/Tests Examples/TaskService/Tests Examples/FieldService/Tests Benchmarks/Benchmarks
STORE ?= .build-demo/workspace.codex
# Arguments of codex-bench headline: --quick, --only reads. The parts: reads, loads, titles, writes, observers, backups,
# followers, tail, caches, ycsb, scale, endpoint.
HEADLINE ?=
# Arguments of codex-bench durable: --minutes 10 for the long run, --quick, --only writes, --pages.
DURABLE ?=
# A seed of `make simulate`, `make crash`, `make fuzz`, `make soak`, `make dynamodb`, `make malformed` and
# `make remote-partition`; without it, each run has another.
SEED ?=
# More arguments of codex-simulate: --trace, --seconds 3600, --replay FILE.
SIMULATE ?=
# Targets have their own defaults: `make soak` 3,600 seconds, `make histories` 600, `make fuzz` and
# `make fuzz-short` 60; `make simulate` and `make fuzz-short` two jobs, and `make fuzz` one.
SECONDS ?=
JOBS ?=

# How many tests run at once. Without it, Swift Testing starts all cases of a bundle together: about 1,600
# open stores hold 17,000 file descriptors. Many of them wait, so that 16 keep two cores busy.
TESTS_AT_ONCE ?= 16
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH = $(TESTS_AT_ONCE)

# SwiftPM plans a nested package again only if its manifest changed. It would miss a source file that was
# added to the root package since then.
REPLAN = @touch $(PACKAGES:=/Package.swift)

# The order of a package's traits in the compiler's arguments follows hashes. With other hashes, SwiftPM would compile
# the package again: Docs/Workarounds.md. Tests run with random ones.
BUILD = SWIFT_DETERMINISTIC_HASHING=1 $(SWIFT) build
BUILD_TESTS = $(BUILD) --build-tests $(TRAITS) $(FLAGS)
# All tests are of Swift Testing, so that no run has to look for tests of XCTest.
RUN_TESTS = $(SWIFT) test --skip-build --disable-xctest $(TRAITS) $(FLAGS)

# Builds use the Swift packages of Scripts/dependencies.lock. If their source has other files, a build warns,
# and check-dependencies and sbom fail. With LOCK=off, SwiftPM resolves the packages.
LOCK ?= on
PIN = @$(if $(filter off,$(LOCK)),:,./Scripts/dependencies.py pin)
CHECK = @./Scripts/dependencies.py check $(if $(filter off,$(LOCK)),--warn)

.PHONY: run serve help test test-long test-scripts sanitize test-address test-thread test-undefined coverage \
	test-crash crash torture soak simulate histories risk fuzz fuzz-short fuzz-corpus lint format nested \
	task-service field-service dynamodb remote remote-partition malformed emulators \
	agents agents-cold worst count-instructions docs api-breakage journeys \
	check-dependencies lock lock-python sbom bench bench-full bench-suites bench-bulk bench-durable \
	bench-domain bench-cache bench-backup bench-follower bench-dynamodb bench-service bench-remote \
	endpoint-figures clean

##@ Start

run: ## the demo of the program, on a new store (the default)
	@./Scripts/bootstrap
	@mkdir -p .build-demo
	$(REPLAN)
	$(PIN) program
	$(BUILD) --package-path Tools --scratch-path .build-tools --disable-default-traits -c release --product codexflow
	$(CHECK) --warn program
	.build-tools/release/codexflow demo --fresh $(STORE)

# DynamoDB's API on this machine, over a store; the first build takes some minutes.
SERVED ?= .build-demo/dynamodb.codex
PORT ?= 8000
serve: ## DynamoDB's API on this machine, over a store: SERVED=DIRECTORY, PORT=8000
	@./Scripts/bootstrap
	@mkdir -p .build-demo
	$(REPLAN)
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path .build-serve -c release --product codexflow
	$(CHECK) --warn server
	.build-serve/release/codexflow serve $(SERVED) --port $(PORT)

help: ## this list
	@awk '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { n = index($$0, "## "); name = $$0; sub(/:.*/, "", name); \
			printf "  %-19s %s\n", name, substr($$0, n + 3) }' $(firstword $(MAKEFILE_LIST))

##@ Test

test: ## all tests of the root package; those of crashes first, alone
	@./Scripts/bootstrap
	$(PIN) tests
	$(BUILD_TESTS)
	$(CHECK) --warn tests
	$(RUN_TESTS) --filter DurabilityTests --skip TortureTests
	$(RUN_TESTS) --filter TortureTests
	$(RUN_TESTS) --filter HistoryTests
	$(RUN_TESTS) --filter SoakTests
	$(RUN_TESTS) --filter SimulationTests
	$(RUN_TESTS) --skip DurabilityTests --skip HistoryTests --skip SoakTests --skip SimulationTests

# Suites that have a long form (Tests/TestSupport/TestLength.swift), as MODULE.SUITE.
LONG_SUITES = ModelTests.ModelTests CodexDynamoDBTests.PartiQLPropertyTests \
	CodexRemoteTests.BoundedStalenessCacheTests CodexRemoteTests.StreamConsumerTests \
	CodexStoreTests.LoadReadingTests DomainTests.ClaimTokenTests DomainTests.LinkRaceTests
test-long: ## random histories of the root package with more seeds and steps: their long form
	@./Scripts/bootstrap
	$(PIN) tests
	$(BUILD_TESTS)
	$(CHECK) --warn tests
	CODEX_LONG=1 $(RUN_TESTS) $(LONG_SUITES:%=--filter %)

test-scripts: ## the tests of the scripts: seconds, without network
	@./Scripts/bootstrap
	python3 -m unittest discover -s Scripts/Tests -p '*_tests.py'

# The tests of `make test`, except those that Scripts/sanitize.py names with a reason. Hours. Docs/Reliability.md
sanitize: ## the tests under the sanitizers of addresses, threads and undefined behaviour, one after the other
	@status=0; for part in test-address test-thread test-undefined; do \
		$(MAKE) $$part || status=1; \
	done; exit $$status

test-address: ## the tests of the root package under the address sanitizer
	@./Scripts/bootstrap
	$(PIN) lean
	@./Scripts/sanitize.py address $(SWIFT) test $(LEAN)

# One test at a time: the sanitizer leaves little address space for stores.
test-thread: ## the tests of the root package under the thread sanitizer
	@./Scripts/bootstrap
	$(PIN) lean
	@./Scripts/sanitize.py thread $(SWIFT) test $(LEAN)

test-undefined: ## the tests that use targets in C, with checks of undefined behaviour in C
	@./Scripts/bootstrap
	$(PIN) lean
	@./Scripts/sanitize.py undefined $(SWIFT) test $(LEAN)

# Fails if less than 90 % of the lines of CodexCore, CodexIndex or CodexStore are covered. COVERAGE=--only-report
# prints the last run again.
COVERAGE ?=
coverage: ## the covered lines of Core, Index and Store, and the uncovered ones of commit and recovery: COVERAGE=
	@./Scripts/bootstrap
	$(PIN) lean
	@./Scripts/coverage.py $(COVERAGE) $(SWIFT) test $(LEAN)

test-crash: ## 200 kills and 60 power cuts; power cuts must be possible
	@./Scripts/bootstrap
	$(PIN) tests
	$(BUILD_TESTS)
	CODEX_CRASH_CYCLES=200 CODEX_POWER_CUTS=60 CODEX_REQUIRE_POWER_CUTS=1 $(RUN_TESTS) --filter DurabilityTests

# Images that a power cut may leave of a recorded disk, each recovered and checked. Needs root on Linux. It compiles a
# recorder in C, with libfuse3. Docs/Durability.md. A planted fault that is not found is an error.
CUTS ?= 500
# More arguments of crash.py: --records 20, --rounds 5, --replay FOLDER --cut NUMBER.
CRASH ?=
RECORDER = .build-crash/recorder
crash: ## power cuts below the file system, as root: CUTS=500 or all, SEED=, PLANTED=NAME or all
	@[ "$$(uname)" = Linux ] || { echo "make crash: It needs Linux, with ext4, FUSE and loop devices." >&2; exit 2; }
	@./Scripts/bootstrap crash
	@python3 Tools/Crash/disk.py
	$(PIN) tests
	$(BUILD) $(TRAITS) $(FLAGS) --product codex-test-agent
	$(CHECK) --warn tests
	@mkdir -p .build-crash
	cc -std=c11 -O2 -Wall -Wextra -Werror -o $(RECORDER) Tools/Crash/recorder.c $$(pkg-config --cflags --libs fuse3)
	python3 Tools/Crash/crash.py --agent .build/debug/codex-test-agent --recorder $(RECORDER) --cuts $(CUTS) \
		$(if $(SEED),--seed $(SEED)) $(if $(PLANTED),--planted $(PLANTED)) $(CRASH)

# Several processes do at random what hosts and operators do to a store.
# To repeat a round: make torture CODEX_TORTURE_SEED=12345
torture: ## random operations of several processes for half an hour: CODEX_TORTURE_SEED= repeats a run
	@./Scripts/bootstrap
	$(BUILD_TESTS)
	CODEX_TORTURE_SECONDS=$${CODEX_TORTURE_SECONDS:-1800} $(RUN_TESTS) --filter TortureTests

# Processes use stores at full speed while some are killed and their disk is full; memory and files must be flat at
# the end. The short form is a part of `make test`. Docs/Reliability.md
# At the speed of a release: make soak SOAK="-c release -Xswiftc -enable-testing --scratch-path .build-soak"
SESSIONS ?= 1000000
CONSUMERS ?= 1000
TABLES ?= 10000
READER ?= 3600
SOAK ?=
soak: ## a mixed load for an hour, with kills and full disks: SECONDS=, SEED=, SESSIONS=, CONSUMERS=, TABLES=, READER=
	@./Scripts/bootstrap
	CODEX_SOAK_SECONDS=$(or $(SECONDS),3600) CODEX_SOAK_SEED=$(SEED) CODEX_SOAK_SESSIONS=$(SESSIONS) \
		CODEX_SOAK_CONSUMERS=$(CONSUMERS) CODEX_SOAK_TABLES=$(TABLES) CODEX_SOAK_READER=$(READER) \
		$(SWIFT) test $(TRAITS) $(SOAK) --filter SoakTests.SoakTests/soak

# Processes that are killed write lists on a disk that fills up; their answers must fit one order (Docs/Histories.md).
# To repeat the choices of a run: make histories SEED=12345
PROCESSES ?=
THREADS ?=
histories: ## concurrent writes and reads of several processes, checked: SECONDS=600, PROCESSES=, THREADS=, SEED=
	@./Scripts/bootstrap
	$(BUILD_TESTS)
	CODEX_HISTORY_SECONDS=$(or $(SECONDS),600) CODEX_HISTORY_PROCESSES=$(PROCESSES) CODEX_HISTORY_THREADS=$(THREADS) \
		CODEX_HISTORY_SEED=$(SEED) $(RUN_TESTS) --filter HistoryTests/histories

# Histories of several processes, with faults at any call, from seeds. A seed repeats a history. PLANTED=NAME looks
# for a planted fault, and PLANTED=all for each. Docs/Simulation.md
HISTORIES ?= 2000
PLANTED ?=
simulate: ## simulated histories with faults: HISTORIES=, SEED= repeats a run, JOBS=, PLANTED=NAME or all
	@./Scripts/bootstrap
	$(PIN) lean
	$(BUILD) $(LEAN) -c release -Xswiftc -enable-testing --scratch-path .build-simulate \
		--product codex-simulated
	$(BUILD) $(LEAN) -c release -Xswiftc -enable-testing --scratch-path .build-simulate \
		--product codex-simulate
	$(CHECK) --warn --scratch .build-simulate lean
	.build-simulate/release/codex-simulate --histories $(HISTORIES) --jobs $(or $(JOBS),2) \
		$(if $(SEED),--seed $(SEED)) $(if $(PLANTED),--planted $(PLANTED)) $(SIMULATE)

# Simulated projects of which it is known whether they are late. Prints how well risk reports rank them.
# The same projects each time, except with SEED. Docs/Risk.md
PROJECTS ?= 2000
risk: ## risk reports of simulated projects with known lateness: PROJECTS=2000, SEED=
	@./Scripts/bootstrap
	$(PIN) tests
	CODEX_RISK_PROJECTS=$(PROJECTS) CODEX_RISK_SEED=$(SEED) \
		$(SWIFT) test $(TRAITS) --filter RiskCalibrationTests
	$(CHECK) --warn tests

# libFuzzer and the address sanitizer. The seconds are of all targets together. A finding is an error, and the
# command prints how to replay it. Hours for one target: make fuzz SECONDS=3600 TARGET=items. Docs/Fuzzing.md
# SwiftPM's option keeps the name `main` for libFuzzer. SwiftPM takes one sanitizer, and of several options
# the compiler takes the last.
TARGET ?= all
FUZZED = --product codex-fuzz --sanitize fuzzer \
	-Xswiftc -sanitize=fuzzer,address -Xswiftc -DFUZZING -Xswiftc -enable-testing \
	$(if $(filter Linux,$(shell uname)),-Xswiftc -use-ld=lld)
fuzz: ## decoders, parsers and requests with any bytes, for a minute: TARGET=items, SECONDS=3600, JOBS=2
	@./Scripts/bootstrap
	$(PIN) lean
	$(BUILD) $(LEAN) -c release --scratch-path .build-fuzz $(FUZZED)
	$(CHECK) --warn --scratch .build-fuzz lean
	@./Scripts/fuzz.py --seconds $(or $(SECONDS),60) --jobs $(or $(JOBS),1) $(if $(SEED),--seed $(SEED)) \
		.build-fuzz/release/codex-fuzz $(TARGET)

# The form for CI. Its build takes less time: it is not optimized, and has no traits, so that swift-crypto and
# swift-syntax are not built. Without Encryption, the program lacks the target key-files. The run starts with the
# corpora of the repository, so that a build directory that is kept does not make it longer.
fuzz-short: ## a minute of the same in a build that is made faster, for CI: SECONDS=, JOBS=, SEED=
	@./Scripts/bootstrap
	$(BUILD) --scratch-path .build-fuzz-short --disable-index-store $(FUZZED)
	@./Scripts/fuzz.py --seconds $(or $(SECONDS),60) --jobs $(or $(JOBS),2) $(if $(SEED),--seed $(SEED)) \
		--fresh --without key-files .build-fuzz-short/debug/codex-fuzz all

# Inputs that were found stay; the seeds are written again.
fuzz-corpus: ## write the corpora and dictionaries that fuzzing starts with
	@./Scripts/bootstrap
	$(PIN) tests
	$(BUILD) $(TRAITS) --product codex-fuzz
	$(CHECK) --warn tests
	.build/debug/codex-fuzz --write-corpus Tests/Fuzz/Corpus
	.build/debug/codex-fuzz --write-dictionaries Tests/Fuzz/Dictionaries

nested: ## the examples, the tests of the program, and what a client of the library fetches
	@./Scripts/bootstrap
	$(REPLAN)
	$(SWIFT) run --package-path Examples --scratch-path $(EXAMPLES_SCRATCH) QuickStart
	rm -rf .build-demo/planning.codex && mkdir -p .build-demo
	$(SWIFT) run --package-path Examples --scratch-path $(EXAMPLES_SCRATCH) PlanningImport Examples/Data/planning-sample.jsonl .build-demo/planning.codex
	rm -rf .build-demo/planning.codex
	$(SWIFT) run --package-path Examples --scratch-path $(EXAMPLES_SCRATCH) PlanningImport --rules Examples/Data/planning-sample.jsonl .build-demo/planning.codex
	$(PIN) server
	$(BUILD) --build-tests --package-path Tools --scratch-path $(SCRATCH)
	$(SWIFT) test --skip-build --package-path Tools --scratch-path $(SCRATCH)
	$(CHECK) --warn --scratch $(SCRATCH) server
	python3 -m unittest discover -s Scripts/Tests -p '*_checks.py'

# The tests run on a store and on a remote table. They also run the curl lines of its README.
task-service: ## the example server over real sockets, on a store and on a remote table
	@./Scripts/bootstrap service
	$(REPLAN)
	$(PIN) service
	$(SWIFT) test --package-path Examples/TaskService --scratch-path .build-service
	$(CHECK) --warn service

# A stranger's package with five entities. Two releases of it work on one store at once, as processes.
field-service: ## the example with a rolling upgrade between two releases under load
	@./Scripts/bootstrap
	$(REPLAN)
	$(SWIFT) test --package-path Examples/FieldService --scratch-path .build-field

# AWS's clients against `codexflow serve`, and the same random operations there, in ministack and in moto,
# DynamoDBs in Python. The calls of other programs, and short forms of `make malformed` and `make emulators`.
# The long form, some 40 minutes: make dynamodb OPERATIONS=100000
# The seed is random, except with SEED: make dynamodb SEED=1
OPERATIONS ?= 3000
dynamodb: ## AWS's clients against the server, and random operations beside ministack and moto: OPERATIONS=, SEED=
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path $(SCRATCH)
	@python=$$(./Scripts/python-clients) && \
	$$python Tools/Differential/constraints.py && \
	$$python Tools/Differential/clients.py --codexflow $(SCRATCH)/debug/codexflow && \
	$$python Tools/Differential/sequences.py --codexflow $(SCRATCH)/debug/codexflow && \
	$$python Tools/Differential/emulators.py --codexflow $(SCRATCH)/debug/codexflow && \
	$$python Tools/Differential/malformed.py --codexflow $(SCRATCH)/debug/codexflow --requests 3000 $(if $(SEED),--seed $(SEED)) && \
	$$python Tools/Differential/differential.py --codexflow $(SCRATCH)/debug/codexflow --operations $(OPERATIONS) $(if $(SEED),--seed $(SEED))

# The client of DynamoDB's API and the commands on it, against the server, the server with faults, moto and ministack.
# The short form has the server alone: make remote REMOTE=--short
REMOTE ?=
remote: ## the remote client and the domain on the server, moto and ministack: REMOTE=--short
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path $(SCRATCH)
	$(PIN) tests
	$(BUILD_TESTS)
	@python=$$(./Scripts/python-clients) && \
	$$python Tools/Differential/remote.py --codexflow $(SCRATCH)/debug/codexflow $(REMOTE) -- \
		$(RUN_TESTS) --filter ConformanceTests

# Two task services in network namespaces, whose links to `codexflow serve` are cut and healed by a seed. Nothing that
# they acknowledged is lost, and no effect is there twice. Where no namespaces can be made, it says so and succeeds.
LINK_CUTS ?= 6
remote-partition: ## two task services that are cut off from their table, as root: LINK_CUTS=6, SEED=
	@./Scripts/bootstrap service
	$(REPLAN)
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path $(SCRATCH)
	$(PIN) service
	$(BUILD) --package-path Examples/TaskService --scratch-path .build-service --product task-service
	$(CHECK) --warn service
	python3 Tools/Differential/partition.py --codexflow $(SCRATCH)/debug/codexflow \
		--task-service .build-service/debug/task-service --cuts $(LINK_CUTS) $(if $(SEED),--seed $(SEED))

# Malformed requests: no crash, AWS's errors only, and no change of the store by a refused request.
REQUESTS ?= 100000
malformed: ## malformed requests to the server: some minutes; REQUESTS=, SEED=
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path $(SCRATCH)
	@python=$$(./Scripts/python-clients) && \
	$$python Tools/Differential/malformed.py --codexflow $(SCRATCH)/debug/codexflow --requests $(REQUESTS) $(if $(SEED),--seed $(SEED))

# Documented behaviours of DynamoDB, each with its source, in the server, moto and ministack. It ends with 1 if the
# server differs. The table in Docs/DynamoDB.md: EMULATORS="--markdown Docs/DynamoDB.md --endpoint NAME=URL"
EMULATORS ?=
emulators: ## where the server, moto and ministack differ from DynamoDB's documentation: EMULATORS=
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path $(SCRATCH)
	@python=$$(./Scripts/python-clients) && \
	$$python Tools/Differential/emulators.py --codexflow $(SCRATCH)/debug/codexflow --moto --ministack $(EMULATORS)

# A client of the Model Context Protocol against `codexflow mcp`, then 64 agents as processes, of which one is killed
# every 50 ms: each of 10,000 tasks is completed once. The short form: make agents AGENTS=--quick
AGENTS ?=
agents: ## an MCP client, then agents that claim tasks while some are killed: AGENTS=--quick, SEED=
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) program
	$(BUILD) --package-path Tools --scratch-path .build-tools --disable-default-traits -c release --product codexflow
	$(CHECK) --warn program
	@python=$$(./Scripts/python-clients) && \
	$$python Tools/Agents/clients.py --codexflow .build-tools/release/codexflow && \
	$$python Tools/Agents/torture.py --codexflow .build-tools/release/codexflow $(AGENTS) $(if $(SEED),--seed $(SEED))

agents-cold: ## how long each command of an agent takes on 10,000 tasks, by the process
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) program
	$(BUILD) --package-path Tools --scratch-path .build-tools --disable-default-traits -c release --product codexflow
	$(CHECK) --warn program
	python3 Tools/Agents/cold.py --codexflow .build-tools/release/codexflow

# The worst requests by processor time and memory, then GetItem beside hostile loads. A figure past its bound
# is an error. The run takes ten minutes, and with WORST=--quick two.
WORST ?=
worst: ## the worst requests of the server, and GetItem beside hostile loads: WORST=--quick
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path .build-serve -c release --product codexflow
	$(CHECK) --warn server
	@status=0; for part in "" --fairness; do \
		python3 Tools/Worst/worst.py --codexflow .build-serve/release/codexflow $$part $(WORST) || status=1; \
	done; exit $$status

# Instructions and allocations of the measured paths, against Benchmarks/Thresholds/.
count-instructions: ## instructions and allocations of the measured paths, against the thresholds
	@./Scripts/bootstrap counts
	$(BUILD) -c release --product codex-counts --scratch-path .build-counts
	./Scripts/count-instructions .build-counts/release/codex-counts $(COUNTS)

##@ Source and documents

lint: ## check the formatting
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests $(NESTED)

format: ## correct the formatting
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests $(NESTED)

# The site of all products, .build-docs/site. A warning of DocC, and a public symbol in no Topics section, is an
# error. BASE_PATH is the path of the site on its server.
BASE_PATH ?=
docs: ## the DocC site of the products, .build-docs/site
	@./Scripts/bootstrap
	$(PIN) tests
	SWIFT=$(SWIFT) ./Scripts/docs $(if $(BASE_PATH),--hosting-base-path $(BASE_PATH)) -- $(TRAITS) $(FLAGS)
	$(CHECK) --warn tests

# Builds the package and its state at BASE: minutes, so it is not a part of .ci/full. Run it before a release.
BASE ?=
api-breakage: ## breaking changes of the public API since the last tag, or since BASE=0.2.0
	@./Scripts/bootstrap
	SWIFT=$(SWIFT) ./Scripts/api-breakage $(BASE)

journeys: ## the files that a reader opens for five tasks, counted
	./Scripts/journeys $(if $(JOURNEY),--files "$(JOURNEY)")

##@ Dependencies

# Resolves all builds, and compares their packages with Scripts/dependencies.lock.
check-dependencies: ## resolve all builds, and compare their packages with the lock
	@./Scripts/bootstrap
	SWIFT=$(SWIFT) ./Scripts/dependencies.py check

# Writes the lock of what the manifests need; UPDATE=--update takes the newest versions that they allow.
UPDATE ?=
lock: ## write the lock of the Swift packages: UPDATE=--update for the newest versions
	@./Scripts/bootstrap
	SWIFT=$(SWIFT) ./Scripts/dependencies.py lock $(UPDATE)

# Writes Scripts/requirements.txt with the newest versions that Scripts/requirements.in allows.
lock-python: ## write the versions of Python's packages, the newest that are allowed
	@./Scripts/bootstrap python
	python3 -m venv .build-lock
	.build-lock/bin/python -m pip install -q --disable-pip-version-check --only-binary :all: uv==0.13.9
	cd Scripts && ../.build-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --only-binary :all: \
		--generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt

# The bill of materials is of the program with the server. With SBOM_BUILD=program, it is of the program
# without the server.
SBOM ?= .build-sbom/codexflow.cdx.json
SBOM_BUILD ?= server
sbom: ## a bill of materials (CycloneDX): SBOM=FILE, SBOM_BUILD=program without the server
	@./Scripts/bootstrap
	SWIFT=$(SWIFT) ./Scripts/dependencies.py check --resolve $(if $(filter off,$(LOCK)),--warn) $(SBOM_BUILD)
	SWIFT=$(SWIFT) ./Scripts/sbom.py --build $(SBOM_BUILD) --output $(SBOM)

##@ Benchmarks

BENCH = $(SWIFT) run --package-path Benchmarks --scratch-path .build-bench -c release codex-bench

# The headline set against bare LMDB, GRDB, RocksDB, Redis and local DynamoDBs: one table, Benchmarks/results/.
# The build takes ten minutes. The run takes some 22 minutes and 8 GB of disk.
bench: endpoint-figures ## the headline set beside bare LMDB, GRDB, RocksDB, Redis and local DynamoDBs: HEADLINE=--quick
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) headline --endpoint .build-demo/endpoint.json $(HEADLINE)

# The same with 10 million tasks, and each path by itself: 35 minutes and 30 GB of disk.
bench-full: endpoint-figures ## the headline set with 10 million tasks, then bench-suites: 35 minutes, 30 GB of disk
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) headline --full --endpoint .build-demo/endpoint.json $(HEADLINE)
	$(MAKE) bench-suites

# A figure that cannot be measured is reported as missing. Of the parts of the set, only `endpoint` needs them.
endpoint-figures:
	@mkdir -p .build-demo
	@rm -f .build-demo/endpoint.json
	-$(if $(if $(HEADLINE),$(findstring endpoint,$(HEADLINE)),all),$(MAKE) bench-dynamodb FIGURES=.build-demo/endpoint.json)

# With ordo-one's benchmark package.
SUITES ?= .*
bench-suites: ## each measured path by itself: SUITES= is a regular expression of titles
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo/suites
	TMPDIR=$(CURDIR)/.build-demo/suites $(SWIFT) package --package-path Benchmarks --scratch-path .build-bench \
		--disable-sandbox benchmark --target CodexSuites --filter '$(SUITES)'
	@rm -rf .build-demo/suites

# Loading, size, index builds under load, several processes: about three minutes.
bench-bulk: ## loading, size, index builds under load, several processes: 3 minutes
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) bulk

# Durable commits, recovery, change streams, against LMDB's own sync, SQLite and RocksDB, with a million
# tasks: about nine minutes and 5 GB of disk.
bench-durable: ## durable commits, recovery, change streams: 9 minutes, 5 GB of disk
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) durable $(DURABLE)

# Creating tasks by the services and bare, the analytics consumer and its rebuild, and commands in projects of
# up to 100,000 tasks, and the claims of 64 processes: six minutes. A part alone: make bench-domain DOMAIN=--growth,
# or DOMAIN=--claims
DOMAIN ?=
bench-domain: ## commands of the domain and their growth, the analytics consumer: DOMAIN=--growth, --claims
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) domain $(DOMAIN)

bench-cache: ## what the typed cache saves
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) cache

# Backups and observers beside 64 writers, and a restore with 100,000 commits: four minutes.
bench-backup: ## backups and observers beside 64 writers, a restore: 4 minutes
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) backup

# A follower in another process beside 64 writers: a minute.
bench-follower: ## a follower in another process, beside 64 writers: a minute
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) follower

# GetItem and PutItem by the server, by ministack and by moto's: three minutes.
bench-dynamodb: ## GetItem and PutItem of the server, of ministack and of moto: 3 minutes
	@./Scripts/bootstrap bench-service
	$(REPLAN)
	@mkdir -p .build-demo
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path .build-serve -c release
	$(CHECK) --warn server
	@python=$$(./Scripts/python-clients) && ./Scripts/bench-dynamodb .build-serve/release/codexflow $$python $(FIGURES)

# The task service's reads beside a bare handler that answers with the same bytes, and its writes:
# two minutes.
bench-service: ## reads and writes of the task service: 2 minutes
	@./Scripts/bootstrap bench-service
	$(REPLAN)
	$(PIN) service
	$(BUILD) --package-path Examples/TaskService --scratch-path .build-service -c release
	$(CHECK) --warn service
	./Scripts/bench-service .build-service/release

# The remote client beside a bare one, 64 agents through a service with 4 ms a request, and a consumer of 100 shards
# that follows 1,000 writes a second. The program starts `codexflow serve` itself. A part alone:
# make bench-remote BENCH_REMOTE='--only stream'
BENCH_REMOTE ?=
bench-remote: ## the remote client, agents at 4 ms a request, a consumer of 100 shards: BENCH_REMOTE=--quick
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) server
	$(BUILD) --package-path Tools --scratch-path .build-serve -c release --product codexflow
	$(CHECK) --warn server
	$(BUILD) --package-path Benchmarks --scratch-path .build-bench-remote --traits Remote -c release \
		--product codex-bench-remote
	.build-bench-remote/release/codex-bench-remote --codexflow .build-serve/release/codexflow $(BENCH_REMOTE)

##@ Other

clean: ## remove all builds
	rm -rf .build .build-*
