# make run   installs what is missing, builds in release mode, runs the demo on a fresh store
# make test  installs what is missing, builds and tests the root package in debug mode; the tests of
#            crashes first and by themselves, since they start many processes

SWIFT ?= swift
# CI adds -Xswiftc -warnings-as-errors.
FLAGS ?=
# The tests are of everything; who links the library takes what it needs.
TRAITS = --traits Encryption
SCRATCH ?= .build-nested
# Their root package is built without Encryption, and that of Tools with it.
EXAMPLES_SCRATCH ?= .build-examples
NESTED = $(foreach p,Tools Examples Examples/TaskService Benchmarks,$(p)/Package.swift $(p)/Sources) \
	Tools/Tests Examples/TaskService/Tests Benchmarks/Benchmarks
STORE ?= .build-demo/workspace.codex
# Arguments of codex-bench headline: --quick, --only reads.
HEADLINE ?=
# Arguments of codex-bench durable: --minutes 10 for the long run, --quick, --only writes.
DURABLE ?=

# SwiftPM plans a nested package anew only if its manifest changed, and would miss a source file
# that was added to the root package since.
REPLAN = @touch Tools/Package.swift Examples/Package.swift Examples/TaskService/Package.swift Benchmarks/Package.swift

# Builds use the Swift packages that Scripts/dependencies.lock has. Where their source has others, a build
# warns, and check-dependencies and sbom fail. LOCK=off takes what SwiftPM resolves.
LOCK ?= on
PIN = @$(if $(filter off,$(LOCK)),:,./Scripts/dependencies.py pin)
CHECK = @./Scripts/dependencies.py check $(if $(filter off,$(LOCK)),--warn)

.PHONY: run serve test test-scripts check-dependencies lock lock-python sbom lint format nested dynamodb task-service test-thread test-crash torture bench bench-bulk bench-durable bench-domain bench-cache bench-backup bench-follower bench-dynamodb bench-service worst bench-full bench-suites endpoint-figures count-instructions clean

run:
	@./Scripts/bootstrap
	@mkdir -p .build-demo
	$(REPLAN)
	$(PIN) program
	$(SWIFT) build --package-path Tools --scratch-path .build-tools --disable-default-traits -c release --product codexflow
	$(CHECK) --warn program
	.build-tools/release/codexflow demo --fresh $(STORE)

# DynamoDB's API on this machine, over a store; the first build takes some minutes.
SERVED ?= .build-demo/dynamodb.codex
PORT ?= 8000
serve:
	@./Scripts/bootstrap
	@mkdir -p .build-demo
	$(REPLAN)
	$(PIN) server
	$(SWIFT) build --package-path Tools --scratch-path .build-serve -c release --product codexflow
	$(CHECK) --warn server
	.build-serve/release/codexflow serve $(SERVED) --port $(PORT)

test:
	@./Scripts/bootstrap
	$(PIN) tests
	$(SWIFT) test $(TRAITS) $(FLAGS) --filter DurabilityTests --skip TortureTests
	$(CHECK) --warn tests
	$(SWIFT) test $(TRAITS) $(FLAGS) --filter TortureTests
	$(SWIFT) test $(TRAITS) $(FLAGS) --skip DurabilityTests

# Tests of the scripts themselves: seconds, and no network.
test-scripts:
	@./Scripts/bootstrap
	python3 -m unittest discover -s Scripts/Tests -p '*_tests.py'

# Resolves all builds, and compares their packages with Scripts/dependencies.lock.
check-dependencies:
	@./Scripts/bootstrap
	SWIFT=$(SWIFT) ./Scripts/dependencies.py check

# Writes the lock of what the manifests need; UPDATE=--update takes the newest versions that they allow.
UPDATE ?=
lock:
	@./Scripts/bootstrap
	SWIFT=$(SWIFT) ./Scripts/dependencies.py lock $(UPDATE)

# Writes Scripts/requirements.txt anew, with the newest versions that Scripts/requirements.in allows.
lock-python:
	@./Scripts/bootstrap python
	python3 -m venv .build-lock
	.build-lock/bin/python -m pip install -q --disable-pip-version-check --only-binary :all: uv==0.13.9
	cd Scripts && ../.build-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --only-binary :all: \
		--generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt

# A bill of materials (CycloneDX) of the program with the server; SBOM_BUILD=program is without.
SBOM ?= .build-sbom/codexflow.cdx.json
SBOM_BUILD ?= server
sbom:
	@./Scripts/bootstrap
	SWIFT=$(SWIFT) ./Scripts/dependencies.py check --resolve $(if $(filter off,$(LOCK)),--warn) $(SBOM_BUILD)
	SWIFT=$(SWIFT) ./Scripts/sbom.py --build $(SBOM_BUILD) --output $(SBOM)

lint:
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests $(NESTED)

format:
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests $(NESTED)

# Builds the nested packages and tests the program.
nested:
	@./Scripts/bootstrap
	$(REPLAN)
	$(SWIFT) run --package-path Examples --scratch-path $(EXAMPLES_SCRATCH) QuickStart
	rm -rf .build-demo/planning.codex && mkdir -p .build-demo
	$(SWIFT) run --package-path Examples --scratch-path $(EXAMPLES_SCRATCH) PlanningImport Examples/Data/planning-sample.jsonl .build-demo/planning.codex
	rm -rf .build-demo/planning.codex
	$(SWIFT) run --package-path Examples --scratch-path $(EXAMPLES_SCRATCH) PlanningImport --rules Examples/Data/planning-sample.jsonl .build-demo/planning.codex
	$(PIN) server
	$(SWIFT) test --package-path Tools --scratch-path $(SCRATCH)
	$(CHECK) --warn --scratch $(SCRATCH) server

# AWS's clients against `codexflow serve`, and the same random operations there and in ministack, a
# DynamoDB in Python. The long form: make dynamodb OPERATIONS=50000
# The seed is random unless it is given: make dynamodb SEED=1
OPERATIONS ?= 3000
SEED ?=
dynamodb:
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) server
	$(SWIFT) build --package-path Tools --scratch-path $(SCRATCH)
	@python=$$(./Scripts/python-clients) && \
	$$python Tools/Differential/clients.py --codexflow $(SCRATCH)/debug/codexflow && \
	$$python Tools/Differential/differential.py --codexflow $(SCRATCH)/debug/codexflow --operations $(OPERATIONS) $(if $(SEED),--seed $(SEED))

# Builds and tests the task service, over real sockets; its README's curl lines among the rest.
task-service:
	@./Scripts/bootstrap service
	$(REPLAN)
	$(PIN) service
	$(SWIFT) test --package-path Examples/TaskService --scratch-path .build-service
	$(CHECK) --warn service

# The tests of concurrency and live builds under the thread sanitizer, one by one: it leaves little
# address space for stores.
test-thread:
	@./Scripts/bootstrap
	$(PIN) tests
	$(SWIFT) test $(TRAITS) --sanitize thread --scratch-path .build-thread --no-parallel --filter 'Concurrency|Building|Changes|Observation|Backup|Domain|Cache|Encryption'

# The long form of the crash tests: 200 kills and 60 power cuts, which must be possible.
test-crash:
	@./Scripts/bootstrap
	$(PIN) tests
	CODEX_CRASH_CYCLES=200 CODEX_POWER_CUTS=60 CODEX_REQUIRE_POWER_CUTS=1 $(SWIFT) test $(TRAITS) --filter DurabilityTests

# Everything at random that hosts and operators do to a store, by several processes, for half an hour.
# A round again: make torture CODEX_TORTURE_SEED=12345
torture:
	@./Scripts/bootstrap
	CODEX_TORTURE_SECONDS=$${CODEX_TORTURE_SECONDS:-1800} $(SWIFT) test $(TRAITS) --filter TortureTests

BENCH = $(SWIFT) run --package-path Benchmarks --scratch-path .build-bench -c release codex-bench

# The headline set against bare LMDB, GRDB, Redis and local DynamoDBs: one table, Benchmarks/results/.
# Once everything is built (ten minutes), below a quarter of an hour and 8 GB of disk.
bench: endpoint-figures
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) headline --endpoint .build-demo/endpoint.json $(HEADLINE)

# The same with 10 million tasks and RocksDB, and each path by itself: 25 minutes and 30 GB of
# disk.
bench-full: endpoint-figures
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) headline --full --endpoint .build-demo/endpoint.json $(HEADLINE)
	$(MAKE) bench-suites

# What cannot be measured is reported as that; parts of the set go without it.
endpoint-figures:
	@mkdir -p .build-demo
	@rm -f .build-demo/endpoint.json
	-$(if $(HEADLINE),,$(MAKE) bench-dynamodb FIGURES=.build-demo/endpoint.json)

# Each measured path by itself, with ordo-one's benchmark package: SUITES is a regular expression of titles.
SUITES ?= .*
bench-suites:
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo/suites
	TMPDIR=$(CURDIR)/.build-demo/suites $(SWIFT) package --package-path Benchmarks --scratch-path .build-bench \
		--disable-sandbox benchmark --target CodexSuites --filter '$(SUITES)'
	@rm -rf .build-demo/suites

# Instructions and allocations of the measured paths, against Benchmarks/Thresholds/.
count-instructions:
	@./Scripts/bootstrap counts
	$(SWIFT) build -c release --product codex-counts --scratch-path .build-counts
	./Scripts/count-instructions .build-counts/release/codex-counts $(COUNTS)

# Loading, size, index builds under load, several processes: about three minutes.
bench-bulk:
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) bulk

# Durable commits, recovery, change streams, against LMDB's own sync and SQLite, with a million
# tasks: about six minutes and 4 GB of disk.
bench-durable:
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) durable $(DURABLE)

# Creating tasks by the services and bare, the analytics consumer and its rebuild: two minutes.
bench-domain:
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) domain

# What the typed cache saves.
bench-cache:
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) cache

# Backups and observers beside 64 writers, and a restore with 100,000 commits: four minutes.
bench-backup:
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) backup

# A follower in another process beside 64 writers: a minute.
bench-follower:
	@./Scripts/bootstrap bench
	$(REPLAN)
	@mkdir -p .build-demo
	$(BENCH) follower

# GetItem and PutItem by the server, by ministack and by moto's: three minutes.
bench-dynamodb:
	@./Scripts/bootstrap bench-service
	$(REPLAN)
	@mkdir -p .build-demo
	$(PIN) server
	$(SWIFT) build --package-path Tools --scratch-path .build-serve -c release
	$(CHECK) --warn server
	@python=$$(./Scripts/python-clients) && ./Scripts/bench-dynamodb .build-serve/release/codexflow $$python $(FIGURES)

# The worst requests of the server by processor time and memory, then GetItem beside hostile loads; ends
# with an error past a bound. Some ten minutes, once it is built; make worst WORST=--quick: two.
WORST ?=
worst:
	@./Scripts/bootstrap
	$(REPLAN)
	$(PIN) server
	$(SWIFT) build --package-path Tools --scratch-path .build-serve -c release --product codexflow
	$(CHECK) --warn server
	@status=0; for part in "" --fairness; do \
		python3 Tools/Worst/worst.py --codexflow .build-serve/release/codexflow $$part $(WORST) || status=1; \
	done; exit $$status

# The task service's reads beside a bare handler that answers with the same bytes, and its writes:
# two minutes.
bench-service:
	@./Scripts/bootstrap bench-service
	$(REPLAN)
	$(PIN) service
	$(SWIFT) build --package-path Examples/TaskService --scratch-path .build-service -c release
	$(CHECK) --warn service
	./Scripts/bench-service .build-service/release

clean:
	rm -rf .build .build-*
