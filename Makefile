# Every line is one command that you could type. `make` alone lists them.
# The first run installs what is needed into .venv (workshop/spans.sh).

spans := sh ./workshop/spans.sh

# What a command can be told: make checkout N=5, make load USERS=32 DURATION=60
N        := 1
ITEMS    :=
CARD     :=
USERS    := 8
RATE     :=
DURATION :=
ID       :=
A        :=
B        :=
SERVICE  :=
RELEASE  :=
SET      :=
NAME     :=
CENTS    :=
SETTLE   := 0
LEVEL    := 1
SEED     :=
SECOND   :=
ARGS     :=

.DEFAULT_GOAL := help

# A word that is no command, or a variable that nobody reads, stops everything before anything is done. The settings of
# .env.example are variables, too.
known    := up down status logs doctor clean checkout trace diagnose neighbours hunt explain fix break diff deploy set rollback changes price reset scenarios teach load load-ui audit refund dead-letters retry chaos test lint bench help
said     := $(subst \ ,_,$(MAKEOVERRIDES))
named    := $(foreach word,$(said),$(if $(findstring =,$(word)),$(firstword $(subst =, ,$(word)))))
readable := N ITEMS CARD USERS RATE DURATION ID A B SERVICE RELEASE SET NAME CENTS SETTLE LEVEL SEED SECOND ARGS spans SHELL MAKEFLAGS JAEGER_URL SPANS_DATABASE_URL NO_COLOR COLUMNS
settings := $(if $(named),$(shell sed -n 's/^\([A-Z_]*\)=.*/\1/p' .env.example))
stray    := $(filter-out $(known),$(MAKECMDGOALS))
unread   := $(filter-out $(readable) $(settings),$(named))
ifneq ($(stray),)
$(error "$(firstword $(stray))" is no command, and nothing was done: make alone lists the commands (an id is ID=..., a count N=...))
endif
ifneq ($(unread),)
$(error $(firstword $(unread))=... is read by no command, and nothing was done: make alone lists what each command can be told)
endif

##@ Run the system

up: ## start everything (RUNTIME=docker|local; for a class TEACH=1, SHARE=1)
	@$(spans) up

down: ## stop everything, keep the data
	@$(spans) down

status: ## what runs, where, and whether it is ready; is the index there?
	@$(spans) status

logs: ## follow the logs (SERVICE=order, ARGS=--json), or show one trace's (ID=...)
	@$(spans) logs $(if $(or $(ID),$(SERVICE)),"$(or $(ID),$(SERVICE))") $(ARGS)

doctor: ## can it run here? ports, Docker, memory, disk, Python
	@$(spans) doctor

clean: ## stop everything, remove data, logs and .venv
	@$(spans) clean

##@ Find the slow query

checkout: ## buy something (N=5, ITEMS="SKU-00001:2 SKU-00017:1", CARD=declined)
	@$(spans) checkout --count "$(N)" --items "$(ITEMS)" --card "$(CARD)"

trace: ## the last checkout's waterfall, or another's (ID=...)
	@$(spans) trace $(if $(ID),"$(ID)")

diagnose: ## say in words where the time went (ID=...)
	@$(spans) diagnose $(if $(ID),"$(ID)")

neighbours: ## who held what it waited for: a lock, a pool, a process (ID=...)
	@$(spans) neighbours $(if $(ID),"$(ID)") $(ARGS)

hunt: ## the same search in logs as most have them (LEVEL=2, ARGS=--answer)
	@$(spans) hunt --level "$(LEVEL)" $(ARGS)

explain: ## PostgreSQL's plan for the statement that is slow
	@$(spans) explain

fix: ## create the missing index (NAME=pool-too-small: cure that, and prove it)
	@$(spans) fix $(if $(NAME),"$(NAME)")

break: ## drop it again (NAME=pool-too-small: another fault, proved)
	@$(spans) break $(if $(NAME),"$(NAME)")

diff: ## compare two traces leg by leg (A=... B=...)
	@$(spans) diff $(if $(A),"$(A)") $(if $(B),"$(B)")

##@ Change it

scenarios: ## the faults that make break NAME=... switches on (ARGS=--json)
	@$(spans) scenarios $(ARGS)

teach: ## the address of the teacher's page: scenarios on and off before a room
	@$(spans) teach

deploy: ## another version of a service (SERVICE=inventory RELEASE=n-plus-one)
	@$(spans) deploy "$(SERVICE)" --release "$(RELEASE)"

set: ## other settings of a process (SERVICE=payment SET="PROVIDER_ATTEMPTS=1")
	@$(spans) set "$(SERVICE)" $(SET)

rollback: ## undo what was changed at a process (SERVICE=payment), or one change (ID=3)
	@$(spans) rollback "$(or $(ID),$(SERVICE))"

changes: ## what was changed when, by whom, and is it undone? (ARGS=--json)
	@$(spans) changes $(ARGS)

price: ## change a product's price (ID=SKU-00001 CENTS=450)
	@$(spans) price "$(ID)" "$(CENTS)"

reset: ## undo every change, create the index, and verify that all is well
	@$(spans) reset

##@ Load

load: ## many checkouts (USERS=8, RATE=20 a second, DURATION=30 s)
	@$(spans) load --users "$(USERS)" --rate "$(RATE)" --duration "$(or $(DURATION),30)"

load-ui: ## the same from Locust's page
	@$(spans) load-ui

##@ Trust it

audit: ## do orders, stock, charges and messages agree? (SETTLE=60 waits for pending ones)
	@$(spans) audit --settle "$(SETTLE)"

refund: ## give back a charge without an order, or of one that failed (ID=...)
	@$(spans) refund "$(ID)"

dead-letters: ## what the worker has set aside after several attempts, and why
	@$(spans) dead-letters $(ARGS)

retry: ## hand the dead letters back to the worker
	@$(spans) retry

chaos: ## kill, pause, cut and lock at random while customers buy, then audit (DURATION=60 s, SEED=7, SECOND=1)
	@$(spans) chaos --duration "$(or $(DURATION),60)" --seed "$(SEED)" $(if $(SECOND),--second)

##@ Work on it

test: ## all tests (ARGS="-k trace -x")
	@$(spans) test $(ARGS)

lint: ## style, types, known vulnerabilities
	@$(spans) lint

bench: ## measure what the documentation claims
	@$(spans) bench $(ARGS)

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: $(known)
