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
    /// What analytics must say, recomputed from the tasks before and after each command.
    private(set) var expected: [CalendarDay: Expected] = [:]
    /// How often which rule refused a command.
    private(set) var refusals: [CodexFlow.Rule: Int] = [:]
    private(set) var successCount = 0
    private var tasks: [CodexFlow.Task.ID: CodexFlow.Task] = [:]

    /// A day's figures.
    struct Expected: Equatable {
        var created = 0
        var canceled = 0
        var reopened = 0
        var completed = 0
        var points = 0
        var scope = 0
        var completedBy: [CodexFlow.User.ID: Int] = [:]
        var hours: [CodexFlow.User.ID: Number] = [:]
        var cycleSeconds: [Int] = []
        var statuses: [CodexFlow.Task.Status: Int] = [:]

        mutating func count(_ status: CodexFlow.Task.Status?, _ count: Int) {
            guard let status else { return }
            let sum = (statuses[status] ?? 0) + count
            statuses[status] = sum == 0 ? nil : sum
        }
    }

    init(_ fixture: Fixture, seed: UInt64) {
        self.fixture = fixture
        random = SplitMix(seed: seed)
    }

    private mutating func next(_ bound: Int) -> Int { random.below(bound) }

    private mutating func pick<Value>(_ values: [Value]) -> Value { random.pick(values) }

    private var today: CalendarDay { CalendarDay(fixture.clock.now) }

    /// Runs one command, which the rules may refuse.
    mutating func step() async throws {
        fixture.clock.advance(by: Double(next(next(4) == 0 ? 100_000 : 600)))
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

    private mutating func command() async throws {
        let workspace = fixture.workspace
        let actors: [CodexFlow.User.ID] = ["olga", "adam", "mia", "max", "mia", "max", "vera"]
        let (actor, other) = (pick(actors), pick(actors))
        let task = try CodexFlow.Task.ID("t\(next(12))")
        let second = try CodexFlow.Task.ID("t\(next(12))")
        let isForced = next(3) == 0
        switch next(26) {
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
        default: try await logWork(actor, on: task)
        }
    }

    private mutating func createTask(
        _ actor: CodexFlow.User.ID, parent: CodexFlow.Task.ID
    ) async throws {
        let id = try CodexFlow.Task.ID("t\(tasks.count)")
        let (points, hasPoints, hasParent) = (next(14), next(4) > 0, next(4) == 0)
        let status = pick([CodexFlow.Task.Status.backlog, .todo, .inProgress, .done])
        try await fixture.workspace.createTask(in: "p", by: actor, id: id) { created in
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
        let day = today.adding(days: -next(3))
        let before = try fixture.store.get(.work(of: actor, on: task, day: day, in: "p"))
        let log = try await fixture.workspace.logWork(
            hours, on: task, in: "p", by: actor, day: day)
        let sum = try (log?.hours ?? 0).subtracting(before?.hours ?? 0)
        expected[day, default: Expected()].hours[actor, default: 0] =
            try (expected[day]?.hours[actor] ?? 0).adding(sum)
    }

    /// Suspends somebody, lets them act again, opens a session, or gives them the project.
    private mutating func changeUsers(_ user: CodexFlow.User.ID) async throws {
        let workspace = fixture.workspace
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
        let workspace = fixture.workspace
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
        let workspace = fixture.workspace
        let owner = try fixture.store.get(.project("p"))?.ownerID ?? user
        // More who come than go, so that there is somebody to work.
        switch next(8) {
        case 0: try await workspace.removeMember(user, from: "p", by: owner)
        case 1: try await workspace.changeMember(user, of: "p", to: .viewer, by: owner)
        case 2...4: try await workspace.changeMember(user, of: "p", to: .member, by: owner)
        default: try await workspace.addMember(user, to: "p", by: owner)
        }
    }

    /// Takes note of what the tasks' differences mean.
    private mutating func account() throws {
        for task in try fixture.store.all(.tasks(in: "p")) {
            let old = tasks[task.id]
            tasks[task.id] = task
            guard old != task else { continue }
            var day = expected[today] ?? Expected()
            defer { expected[today] = day }
            let (before, after) = (old?.estimate ?? 0, task.estimate ?? 0)
            if old == nil { day.created += 1 }
            if old?.status != task.status {
                day.count(task.status, 1)
                day.count(old?.status, -1)
            }
            let wasInScope = old.map { $0.status != .canceled } ?? false
            day.scope += (task.status == .canceled ? 0 : after) - (wasInScope ? before : 0)
            day.points += (task.status == .done ? after : 0) - (old?.status == .done ? before : 0)
            guard let old, old.status != task.status else { continue }
            if task.status == .canceled { day.canceled += 1 }
            if old.status?.isOpen == false, task.status?.isOpen == true { day.reopened += 1 }
            if task.status == .done {
                day.completed += 1
                if let user = task.assigneeID { day.completedBy[user, default: 0] += 1 }
                if let start = task.startedAt, let end = task.completedAt {
                    day.cycleSeconds.append(Int(end.timeIntervalSince(start).rounded()))
                }
            }
        }
    }

    /// The days on which something is to be said.
    var expectedDays: [CalendarDay: Expected] {
        expected.compactMapValues { day in
            var day = day
            day.hours = day.hours.filter { $0.value != 0 }
            return day == Expected() ? nil : day
        }
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
        for log in try store.all(.work(in: "p", from: today.adding(days: -400), through: today)) {
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
        let numbers = tasks.compactMap(\.number)
        if Set(numbers) != Set(numbers.isEmpty ? [] : Array(1...tasks.count)) {
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
            let history = try store.all(.activity(of: task.id, in: "p"))
            if history.first?.kind != .created { broken.append("\(task.id): history") }
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
