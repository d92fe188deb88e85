import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport

/// Commands at random, from a seed, and what they are to add up to.
struct RandomWork {
    let fixture: Fixture
    private var random: SplitMix
    /// What the analytics must say.
    private(set) var oracle = AnalyticsOracle()
    /// How often which rule refused a command.
    private(set) var refusals: [CodexFlow.Rule: Int] = [:]
    private(set) var successCount = 0
    private var tasks: [CodexFlow.Task.ID: CodexFlow.Task] = [:]
    /// A workspace of another machine, whose clock is behind.
    private let late: CodexFlow.Workspace
    /// Whether the present command is run there.
    private var isLate = false
    private static let lag = 2000.0
    /// The highest number that a task had.
    private var numberMax = 0
    /// Whether histories are removed.
    private let removesHistories: Bool
    /// The number of commands so far.
    private var stepCount = 0
    /// The days on which a time zone changes its clocks: in spring, and then in autumn.
    private static let clockChanges: [[(zone: String, day: String)]] = [
        [("America/New_York", "2026-03-08"), ("Europe/Berlin", "2026-03-29")],
        [("Europe/Berlin", "2026-10-25"), ("America/New_York", "2026-11-01")],
    ]
    /// The number of commands after which the clock goes on to the next change.
    private static let clockChangeStepCount = 150
    /// The tasks whose history was removed, and has not begun again.
    private var bareTasks: Set<CodexFlow.Task.ID> = []

    /// Creates work.
    ///
    /// If it removes histories, the consumer must have run before there are tasks: it then has a
    /// share of each.
    init(_ fixture: Fixture, seed: UInt64, removesHistories: Bool) {
        self.fixture = fixture
        self.removesHistories = removesHistories
        random = SplitMix(seed: seed)
        let clock = fixture.clock
        late = CodexFlow.Workspace(fixture.store, clock: { clock.now - Self.lag })
    }

    private mutating func next(_ bound: Int) -> Int { random.below(bound) }

    private mutating func pick<Value>(_ values: [Value]) -> Value { random.pick(values) }

    private var workspace: CodexFlow.Workspace { isLate ? late : fixture.workspace }

    /// The present time by the clock of the command.
    private var now: Date { fixture.clock.now - (isLate ? Self.lag : 0) }

    /// The project's day.
    private var today: CalendarDay {
        get throws {
            let zone = try fixture.store.get(.project("p"))?.timeZone
            return AnalyticsOracle.day(of: now, in: zone) ?? CalendarDay(now)
        }
    }

    /// Runs one command, which the rules may refuse.
    mutating func step() async throws {
        if stepCount % Self.clockChangeStepCount == 0 {
            try await goOn(past: stepCount / Self.clockChangeStepCount)
        }
        stepCount += 1
        fixture.clock.advance(by: Double(next(next(4) == 0 ? 100_000 : 600)))
        isLate = next(3) == 0
        do {
            try await command()
            successCount += 1
        } catch let error as CodexError {
            guard let rule = error.rule else {
                guard error.code == .notFound else { throw error }
                return
            }
            refusals[rule, default: 0] += 1
        }
        try account()
    }

    /// Moves the project to a time zone, and the clock to the day before the zone changes its own.
    ///
    /// So some of the next commands are on a day of 23 hours, or of 25.
    private mutating func goOn(past number: Int) async throws {
        guard number < Self.clockChanges.count else { return }
        let store = fixture.store
        let change = pick(Self.clockChanges[number])
        // The removal of an item alone is booked by the time zone when it is counted.
        if number > 0 { try await Analytics.catchUp(store) }
        try await store.update(.project("p")) { $0.timeZone = change.zone }
        guard let day = CalendarDay(change.day) else { return }
        let start = Date(timeIntervalSince1970: Double(day.daysSince1970 - 1) * 86_400)
        fixture.clock.advance(by: start.timeIntervalSince(fixture.clock.now))
    }

    private mutating func command() async throws {
        let workspace = self.workspace
        let actors: [CodexFlow.User.ID] = ["olga", "adam", "mia", "max", "mia", "max", "vera"]
        let (actor, other) = (pick(actors), pick(actors))
        let (task, second) = (try pickTask(), try pickTask())
        let isForced = next(3) == 0
        switch next(31) {
        case 0...2: try await createTask(actor, parent: second)
        case 3...10:
            let status = pick(CodexFlow.Task.Status.allCases)
            try await workspace.moveTask(
                task, in: "p", to: status, by: actor,
                overriding: isForced ? "must be" : nil)
        case 11:
            let points = next(15)
            try await workspace.changeTask(task, in: "p", by: actor) {
                $0.estimate = points == 14 ? nil : points
            }
        case 12:
            let isLoose = next(3) == 0
            try await workspace.changeTask(task, in: "p", by: actor) {
                $0.parentID = isLoose ? nil : second
            }
        case 13:
            try await workspace.assignTask(task, in: "p", to: next(5) == 0 ? nil : other, by: actor)
        case 14: try await workspace.addDependency(of: task, on: second, in: "p", by: actor)
        case 15: try await workspace.removeDependency(of: task, on: second, in: "p", by: actor)
        case 16:
            try await workspace.claimTask(task, in: "p", by: actor, lease: .seconds(1 + next(2000)))
        case 17: try await workspace.releaseTask(task, in: "p", by: actor)
        case 18:
            if next(3) == 0 {
                try await workspace.archiveTask(task, in: "p", by: actor)
            } else {
                try await workspace.restoreTask(task, in: "p", by: actor)
            }
        case 19: try await changeMembers(other)
        case 20:
            let criteria = (0..<next(3)).map { number in
                CodexFlow.Task.Criterion(id: "\(number)", text: "c", isMet: next(2) == 0)
            }
            try await workspace.changeTask(task, in: "p", by: actor) {
                $0.acceptanceCriteria = criteria
            }
        case 21: try await workspace.addComment(on: task, in: "p", by: actor, "hello")
        case 22: try await changeUsers(other)
        case 23...24: try await changePRDs(actor)
        case 25: try await changeDays()
        case 26: try await removeTask(task, by: actor)
        case 27: try await importTask()
        case 28: try await removeHistory(of: task)
        case 29: try await fixture.store.rebuildAnalytics()
        default: try await logWork(actor, on: task)
        }
    }

    /// A task that may exist, created by the services or imported.
    private mutating func pickTask() throws -> CodexFlow.Task.ID {
        let number = next(12)
        return try CodexFlow.Task.ID(next(5) == 0 ? "i\(number % 3)" : "t\(number)")
    }

    /// Changes the time zone of the project's days, or the hours of a point.
    private mutating func changeDays() async throws {
        let zone = pick(["America/New_York", "Europe/Berlin", "Pacific/Apia", "UTC"])
        let hours = next(9)
        let isZone = next(2) == 0
        // The removal of an item alone is booked by the time zone when it is counted.
        if isZone { try await Analytics.catchUp(fixture.store) }
        try await workspace.changeProject("p", by: "adam") { project in
            if isZone {
                project.timeZone = zone
            } else {
                project.hoursPerPoint = hours == 0 ? nil : hours
            }
        }
    }

    /// Deletes a task with the command, or removes its item alone.
    private mutating func removeTask(
        _ task: CodexFlow.Task.ID, by actor: CodexFlow.User.ID
    ) async throws {
        let store = fixture.store
        let links =
            try store.all(.blockers(of: task, in: "p")).count
            + store.all(.dependents(of: task, in: "p")).count
            + store.all(.subtasks(of: task, in: "p")).count
        if links == 0, next(2) == 0 {
            // The time of the removal is that of the store's clock.
            isLate = false
            _ = try await store.delete(.task(task, in: "p"))
        } else {
            try await workspace.deleteTask(task, in: "p", by: actor)
        }
    }

    /// Removes the whole history of a task, which may be there or not.
    private mutating func removeHistory(of task: CodexFlow.Task.ID) async throws {
        guard removesHistories else { return }
        try await Analytics.removeHistory(of: task, fixture.store)
        if tasks[task] != nil { bareTasks.insert(task) }
        // Later entries must sort after the removed ones, by the clocks of both machines.
        fixture.clock.advance(by: Self.lag + 1)
    }

    /// Stores a task without the services, and begins its history.
    private mutating func importTask() async throws {
        let id = try CodexFlow.Task.ID("i\(next(3))")
        let newest = try fixture.store.all(.activity(of: id, in: "p")).last
        // A deleted task may be imported again.
        guard tasks[id] == nil, newest == nil || newest?.kind == .deleted,
            let owner = try fixture.store.get(.project("p"))?.ownerID
        else { return }
        let now = now
        var task = CodexFlow.Task(
            id: id, projectID: "p", title: "I",
            status: pick(CodexFlow.Task.Status.allCases), createdAt: now - 90_000)
        if next(4) > 0 { task.estimate = next(14) }
        if task.status?.isStarted == true || task.status == .done {
            // Before any time that the clocks can show later.
            task.startedAt = now - Self.lag - Double(next(80_000))
        }
        if task.status == .done { task.completedAt = now - 5 }
        if next(3) == 0 { task.archivedAt = now - 3 }
        task.isImport = true
        try await fixture.store.put(task)
        try await workspace.activateUser(owner)
        try await workspace.adoptHistory(of: "p", by: owner, batchCount: 5)
    }

    /// The first identifier from a random one on that no task has.
    private mutating func freeID() throws -> CodexFlow.Task.ID? {
        let start = next(12)
        return try (0..<12).map { try CodexFlow.Task.ID("t\((start + $0) % 12)") }.first {
            tasks[$0] == nil
        }
    }

    private mutating func createTask(
        _ actor: CodexFlow.User.ID, parent: CodexFlow.Task.ID
    ) async throws {
        guard let id = try freeID() else { return }
        let (points, hasPoints, hasParent) = (next(14), next(4) > 0, next(4) == 0)
        let status = pick([CodexFlow.Task.Status.backlog, .todo, .inProgress, .done])
        try await workspace.createTask(in: "p", by: actor, id: id) { created in
            created.title = "T"
            created.status = status
            if hasPoints { created.estimate = points }
            if hasParent { created.parentID = parent }
        }
    }

    /// Logs work of some day, or takes some back.
    private mutating func logWork(
        _ actor: CodexFlow.User.ID, on task: CodexFlow.Task.ID
    ) async throws {
        let hours = Number(next(12) - 3)
        let day = try today.adding(days: -next(3))
        let log = try await workspace.logWork(
            hours, on: task, in: "p", by: actor, day: day)
        try recordBeginnings()
        try oracle.record(log?.hours ?? 0, on: task, by: actor, day)
    }

    /// Suspends somebody, lets them act again, opens a session, or gives them the project.
    private mutating func changeUsers(_ user: CodexFlow.User.ID) async throws {
        let workspace = self.workspace
        switch next(8) {
        case 0: try await workspace.suspendUser(user)
        case 1...4: try await workspace.activateUser(user)
        case 5: _ = try await workspace.openSession(for: user)
        default:
            let owner = try fixture.store.get(.project("p"))?.ownerID
            try await workspace.transferProject("p", to: user, by: owner ?? user)
        }
    }

    /// Writes, submits, reviews or puts away a PRD.
    private mutating func changePRDs(_ actor: CodexFlow.User.ID) async throws {
        let workspace = self.workspace
        let prd = try CodexFlow.PRD.ID("d\(next(3))")
        let head = try await workspace.latestPRD(prd, in: "p")
        let version = max(1, (head?.version ?? 1) - (next(4) == 0 ? 1 : 0))
        switch next(6) {
        case 0:
            var content = CodexFlow.PRD.Content(overview: "o\(next(100))")
            if next(4) > 0 {
                content.userStories = [
                    .init(id: "1", description: "d", acceptanceCriteria: ["c"])
                ]
            }
            if head == nil {
                try await workspace.createPRD(
                    in: "p", title: "T", content: content, by: actor, id: prd)
            } else {
                try await workspace.addPRDVersion(of: prd, in: "p", basedOn: version, by: actor) {
                    [content] in $0.content = content
                }
            }
        case 1...2: try await workspace.submitPRD(prd, version: version, in: "p", by: actor)
        case 3...4:
            try await workspace.reviewPRD(
                prd, version: version, contentHash: head?.contentHash ?? "", in: "p", by: actor,
                decision: pick([.approve, .approve, .reject, .requestChanges]))
        default:
            if next(3) == 0 {
                try await workspace.archivePRD(prd, version: version, in: "p", by: actor)
            }
        }
    }

    /// Lets a member go, come back, or only read.
    private mutating func changeMembers(_ user: CodexFlow.User.ID) async throws {
        let workspace = self.workspace
        let owner = try fixture.store.get(.project("p"))?.ownerID ?? user
        // More who come than go, so that there is somebody to work.
        switch next(8) {
        case 0: try await workspace.removeMember(user, from: "p", by: owner)
        case 1: try await workspace.changeMember(user, of: "p", to: .viewer, by: owner)
        case 2...4: try await workspace.changeMember(user, of: "p", to: .member, by: owner)
        default: try await workspace.addMember(user, to: "p", by: owner)
        }
    }

    /// Records the tasks whose history was removed and has begun again.
    ///
    /// They leave the figures, and enter them as imported tasks, with what they were before the
    /// command. Their earlier completions stay.
    private mutating func recordBeginnings() throws {
        let hoursPerPoint = try fixture.store.get(.project("p"))?.hoursPerPoint ?? 1
        let day = try today
        for id in bareTasks {
            if try fixture.store.all(.activity(of: id, in: "p")).isEmpty { continue }
            bareTasks.remove(id)
            guard let task = tasks[id] else { continue }
            for state in [nil, task] {
                oracle.record(
                    id, state, at: now, day: day, hoursPerPoint: hoursPerPoint, isImport: true)
            }
        }
    }

    /// Records the tasks that changed.
    private mutating func account() throws {
        try recordBeginnings()
        let found = try fixture.store.all(.tasks(in: "p"))
        let present = Dictionary(uniqueKeysWithValues: found.map { ($0.id, $0) })
        let hoursPerPoint = try fixture.store.get(.project("p"))?.hoursPerPoint ?? 1
        let day = try today
        for id in Set(present.keys).union(tasks.keys) where present[id] != tasks[id] {
            oracle.record(
                id, present[id], at: now, day: day, hoursPerPoint: hoursPerPoint,
                isImport: present[id]?.isImport == true)
        }
        tasks = present
        numberMax = max(numberMax, found.compactMap(\.number).max() ?? 0)
    }

    /// What rules of people, hours and PRDs forbid and is so all the same.
    private func brokenBesides() throws -> [String] {
        let store = fixture.store
        var broken: [String] = []
        let owner = try store.get(.project("p"))?.ownerID
        let owners = try store.all(.members(of: "p")).filter { $0.role == .owner }.map(\.userID)
        if owners != [owner] { broken.append("owners \(owners)") }
        for user in try store.all(.users) where user.state != .active {
            if try !store.all(.sessions(of: user.id)).isEmpty {
                broken.append("\(user.id) has sessions")
            }
        }
        var hours: [[String]: Number] = [:]
        let today = try today
        let logs = try store.all(
            .work(in: "p", from: today.adding(days: -400), through: today.adding(days: 2)))
        for log in logs {
            let key = [log.userID.rawValue, log.day.description]
            hours[key] = try (hours[key] ?? 0).adding(log.hours)
        }
        if hours.values.contains(where: { $0 > 24 }) { broken.append("a day's hours") }
        for document in try store.all(.prdDocuments(in: "p")) {
            let versions = try store.all(.versions(of: document.id, in: "p"))
            if versions.map(\.version) != Array(1...document.headVersion) {
                broken.append("\(document.id): versions")
            }
            let approved = versions.filter { $0.approvalStatus == .approved }.map(\.version)
            if approved != (document.approvedVersion.map { [$0] } ?? []) {
                broken.append("\(document.id): approved \(approved)")
            }
            for version in versions {
                let isPending =
                    version.approvalStatus == .draft || version.approvalStatus == .inReview
                if isPending, version.version != document.headVersion {
                    broken.append("\(document.id): an older version is pending")
                }
                if version.contentHash != (try version.makeContentHash()) {
                    broken.append("\(document.id): hash")
                }
                let approvals = try store.all(.reviews(of: document.id, in: "p")).filter {
                    $0.version == version.version && $0.decision == .approve
                        && $0.contentHash == version.contentHash && $0.userID != version.createdBy
                }
                if version.approvalStatus == .approved, approvals.isEmpty {
                    broken.append("\(document.id): nobody approved")
                }
            }
        }
        return broken
    }

    /// What rules forbid and is so all the same.
    func broken() throws -> [String] {
        let store = fixture.store
        var broken = try brokenBesides()
        let tasks = try store.all(.tasks(in: "p"))
        let byID = Dictionary(uniqueKeysWithValues: tasks.map { ($0.id, $0) })
        // The numbers of deleted tasks are not given again.
        let numbers = tasks.compactMap(\.number)
        if Set(numbers).count != numbers.count || !numbers.allSatisfy({ 1...numberMax ~= $0 }) {
            broken.append("numbers \(numbers.sorted())")
        }
        for task in tasks {
            var (depth, parent) = (1, task.parentID)
            while let id = parent, depth < 10 {
                depth += 1
                let above = byID[id]
                if depth == 2, task.isOpen, above?.status?.isOpen == false {
                    broken.append("\(task.id) is open below a finished task")
                }
                parent = above?.parentID
            }
            if depth > 3 { broken.append("\(task.id) is \(depth) deep") }
            if (task.status == .done) != (task.completedAt != nil) {
                broken.append("\(task.id): completedAt")
            }
            if task.status?.isOpen == false, task.claim != nil {
                broken.append("\(task.id): claim")
            }
            if task.status?.isStarted == true, task.startedAt == nil {
                broken.append("\(task.id): startedAt")
            }
            if let user = task.assigneeID, task.isOpen,
                try store.get(.member(user, of: "p"))?.role.includes(.member) != true
            {
                broken.append("\(task.id): assignee")
            }
            // The history of a deleted task with the identifier comes before.
            let whole = try store.all(.activity(of: task.id, in: "p"))
            let begin = whole.lastIndex { [.created, .imported].contains($0.kind) }
            let history = whole[(begin ?? whole.endIndex)...]
            if history.isEmpty, !bareTasks.contains(task.id) {
                broken.append("\(task.id): history")
            }
            let last = history.last { entry in entry.changes.contains { $0.field == "status" } }
            if let last,
                last.changes.first(where: { $0.field == "status" })?.to?.string
                    != task.status?.rawValue
            {
                broken.append("\(task.id): history of statuses")
            }
            var (seen, next): (Set<CodexFlow.Task.ID>, [CodexFlow.Task.ID]) = ([], [task.id])
            while let id = next.popLast() {
                for dependency in try store.all(.blockers(of: id, in: "p")) {
                    let isOpen =
                        byID[id]?.isOpen == true && byID[dependency.blockerID]?.isOpen == true
                    if dependency.isOpen != isOpen { broken.append("\(id): blocked") }
                    if dependency.blockerID == task.id { broken.append("\(task.id): circle") }
                    if seen.insert(dependency.blockerID).inserted {
                        next.append(dependency.blockerID)
                    }
                }
            }
        }
        return broken
    }
}
