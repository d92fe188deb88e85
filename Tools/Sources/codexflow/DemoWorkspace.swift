import CodexCore
import Foundation

/// A generated workspace of some thousand items, which is the same for the same seed.
struct DemoWorkspace {
    private(set) var users: [CodexFlow.User] = []
    private(set) var projects: [CodexFlow.Project] = []
    private(set) var sequences: [CodexFlow.NumberSequence] = []
    private(set) var tasks: [CodexFlow.Task] = []
    private(set) var prds: [CodexFlow.PRD] = []
    private(set) var analytics: [CodexFlow.Analytics] = []
    private(set) var sessions: [CodexFlow.Session] = []

    private static let firstNames = [
        "Ada", "Grace", "Edsger", "Barbara", "Donald", "Radia", "Tony", "Frances", "Niklaus",
        "Mary",
        "José", "Zoë", "Łukasz", "Søren", "Mei", "Priya", "Kwame", "Ingrid", "Yuki", "Amara",
    ]
    private static let lastNames = [
        "Lovelace", "Hopper", "Dijkstra", "Liskov", "Knuth", "Perlman", "Hoare", "Allen", "Wirth",
        "Shaw", "Okafor", "Núñez", "Larsen", "Tanaka", "Kowalski", "Iyer",
    ]
    private static let verbs = [
        "Implement", "Fix", "Document", "Measure", "Refactor", "Review", "Remove", "Test", "Design",
        "Migrate",
    ]
    private static let nouns = [
        "login", "search", "billing", "notifications", "the import", "the dashboard", "rate limits",
        "sessions", "audit log", "exports", "the onboarding", "the mobile view", "permissions",
        "webhooks", "the scheduler",
    ]
    private static let labels = ["api", "ui", "infra", "security", "performance", "docs", "mobile"]

    init(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let start = Date(timeIntervalSince1970: 1_754_006_400)  // 2025-08-01
        try makeUsers(&random, start)
        try makeProjects(&random, start)
    }

    private mutating func makeUsers(_ random: inout SeededGenerator, _ start: Date) throws {
        for number in 1...40 {
            let name = "\(random.pick(Self.firstNames)) \(random.pick(Self.lastNames))"
            let id = try CodexFlow.User.ID("u\(number)")
            users.append(
                CodexFlow.User(
                    id: id, email: "user\(number)@example.com", name: name,
                    role: number == 1
                        ? .owner : random.pick([.member, .member, .member, .admin, .agent]),
                    state: .active, timeZone: "Europe/Berlin", createdAt: start))
            // These sessions do not expire before the demo is used.
            for _ in 0..<random.below(4) {
                let opened = Date() - Double(random.below(7_776_000))
                let hash = String(random.next(), radix: 16) + String(random.next(), radix: 16)
                sessions.append(
                    CodexFlow.Session(
                        id: try CodexFlow.Session.ID(hash), userID: id, createdAt: opened,
                        expiresAt: opened.addingTimeInterval(365 * 86_400), client: "web"))
            }
        }
    }

    private mutating func makeProjects(_ random: inout SeededGenerator, _ start: Date) throws {
        for number in 1...12 {
            let id = try CodexFlow.Project.ID("p\(number)")
            var project = CodexFlow.Project(
                id: id, name: "\(random.pick(Self.verbs)) \(random.pick(Self.nouns))",
                ownerID: random.pick(Array(users.prefix(6))).id, key: "P\(number)",
                status: .started, createdAt: start)
            project.targetDate = CalendarDay(year: 2026, month: 3, day: 31)
            let taskCount = 150 + random.below(400)
            for task in 1...taskCount { try makeTask(task, project, &random, start) }
            sequences.append(
                CodexFlow.NumberSequence(
                    projectID: id, name: CodexFlow.NumberSequence.tasks, last: taskCount))
            projects.append(project)
            try makePRDs(project, &random, start)
            try makeAnalytics(project, &random)
        }
    }

    private mutating func makeTask(
        _ number: Int, _ project: CodexFlow.Project, _ random: inout SeededGenerator, _ start: Date
    ) throws {
        let created = start.addingTimeInterval(Double(random.below(7_776_000)))
        var task = CodexFlow.Task(
            id: try CodexFlow.Task.ID("\(project.id)-t\(number)"), projectID: project.id,
            title: "\(random.pick(Self.verbs)) \(random.pick(Self.nouns))",
            assigneeID: random.below(10) < 8 ? random.pick(users).id : nil,
            status: random.pick(CodexFlow.Task.Status.allCases), createdAt: created)
        task.number = number
        task.kind = random.pick(CodexFlow.Task.Kind.allCases)
        task.priority = random.pick(CodexFlow.Task.Priority.allCases)
        task.estimate = random.pick([1, 2, 3, 5, 8])
        task.reporterID = random.pick(users).id
        for _ in 0..<random.below(3) {
            let label = random.pick(Self.labels)
            if !task.labels.contains(label) { task.labels.append(label) }
        }
        task.body = "As agreed, \(task.title.lowercased()) before the next release."
        task.updatedAt = created.addingTimeInterval(Double(random.below(864_000)))
        if task.status == .done { task.completedAt = task.updatedAt }
        tasks.append(task)
    }

    private mutating func makePRDs(
        _ project: CodexFlow.Project, _ random: inout SeededGenerator, _ start: Date
    ) throws {
        for version in 1...3 {
            let stories = (1...4).map { number in
                CodexFlow.PRD.Story(
                    id: "US-00\(number)",
                    description: "As a user I want \(random.pick(Self.nouns)), to save time.",
                    acceptanceCriteria: ["It works.", "It is fast.", "It is documented."])
            }
            var prd = CodexFlow.PRD(
                id: try CodexFlow.PRD.ID("prd-\(project.id)"), projectID: project.id,
                version: version, title: "\(project.name): requirements",
                content: .init(
                    overview: "What \(project.name.lowercased()) is to be.",
                    objectives: ["Fewer questions", "Less waiting"],
                    functionalRequirements: (0..<6).map { _ in
                        "\(random.pick(Self.verbs)) \(random.pick(Self.nouns))"
                    },
                    nonFunctionalRequirements: ["p99 below 50 ms"], userStories: stories),
                approvalStatus: version == 3 ? .inReview : version == 2 ? .approved : .superseded,
                createdBy: project.ownerID, createdAt: start)
            prd.isAIGenerated = version == 1
            prds.append(prd)
        }
    }

    private mutating func makeAnalytics(
        _ project: CodexFlow.Project, _ random: inout SeededGenerator
    ) throws {
        guard var day = CalendarDay(year: 2025, month: 10, day: 1) else { return }
        for _ in 0..<30 {
            let stats = users.prefix(5).map { user in
                CodexFlow.Analytics.MemberStats(
                    userID: user.id, tasksCompleted: random.below(4),
                    hoursLogged: Number(random.below(9)))
            }
            analytics.append(
                CodexFlow.Analytics(
                    projectID: project.id, date: day,
                    metrics: .init(
                        tasksCompleted: stats.reduce(0) { $0 + $1.tasksCompleted },
                        velocity: try Number(parsing: "\(5 + random.below(5)).5"),
                        teamEfficiency: try Number(parsing: "0.\(60 + random.below(40))")),
                    teamStats: Array(stats)))
            day = day.adding(days: 1)
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood): a small, seeded generator with the same output on all
/// machines.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }
}
