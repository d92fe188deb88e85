import Codex
import CodexCore
import CodexStore

/// The tasks of a project, and which waits for which: what a search for circles looks at.
struct LinkState: Hashable {
    /// What counts of a task.
    struct Node: Hashable {
        let status: CodexFlow.Task.Status?
        let parent: CodexFlow.Task.ID?
        let isOpen: Bool
    }

    /// A dependency.
    struct Link: Hashable {
        let task: CodexFlow.Task.ID
        let blocker: CodexFlow.Task.ID
        let isOpen: Bool
    }

    private(set) var nodes: [CodexFlow.Task.ID: Node] = [:]
    private(set) var links: Set<Link> = []

    init(_ store: Store) throws {
        for task in try store.all(.tasks(in: "p")) {
            nodes[task.id] = Node(
                status: task.status, parent: task.parentID, isOpen: task.isOpen)
            for dependency in try store.all(.blockers(of: task.id, in: "p")) {
                links.insert(
                    Link(
                        task: task.id, blocker: dependency.blockerID, isOpen: dependency.isOpen))
            }
        }
    }

    /// Whether a task waits for itself: a task waits for its blockers, and a whole for its parts.
    var hasCircle: Bool {
        var awaited: [CodexFlow.Task.ID: Set<CodexFlow.Task.ID>] = [:]
        for link in links { awaited[link.task, default: []].insert(link.blocker) }
        for (id, node) in nodes {
            if let whole = node.parent { awaited[whole, default: []].insert(id) }
        }
        return awaited.keys.contains { start in
            var (seen, next) = (Set<CodexFlow.Task.ID>(), Array(awaited[start] ?? []))
            while let task = next.popLast() {
                if task == start { return true }
                if seen.insert(task).inserted { next += awaited[task] ?? [] }
            }
            return false
        }
    }

    /// What is wrong after any commands.
    ///
    /// - Parameter store: Where the tasks are, for their marks in the queue.
    /// - Returns: A line for each fault.
    /// - Throws: The errors of reading.
    func faults(in store: Store) throws -> [String] {
        var faults = hasCircle ? ["There is a circle."] : []
        func isOpen(_ id: CodexFlow.Task.ID) -> Bool { nodes[id]?.isOpen == true }
        for link in links where link.isOpen && !(isOpen(link.task) && isOpen(link.blocker)) {
            faults.append("The dependency of \(link.task) on \(link.blocker) is open.")
        }
        for (id, node) in nodes {
            let openParts = nodes.values.filter { $0.parent == id && $0.isOpen }
            if node.status?.isOpen == false, !openParts.isEmpty {
                faults.append("The finished task \(id) has an open part.")
            }
            guard node.isOpen, openParts.isEmpty else { continue }
            // A mark that no end of another task takes off keeps the task from all workers.
            let isFreed = try store.all(.blockers(of: id, in: "p")).contains(where: \.isFreed)
            let isWaiting = links.contains { $0.task == id && $0.isOpen }
            let isMarked = try store.get(.task(id, in: "p"))?.isBlocked == true
            if isMarked, !isFreed, !isWaiting { faults.append("\(id) stays blocked.") }
        }
        return faults
    }
}

/// One command on the tasks of a project.
struct LinkChange: Sendable, CustomStringConvertible {
    typealias Command = @Sendable (CodexFlow.Workspace) async throws -> Void

    let description: String
    let command: Command

    init(_ description: String, _ command: @escaping Command) {
        self.description = description
        self.command = command
    }

    /// What the command gives: the rule or the code of its error, if it is refused.
    func outcome(in workspace: CodexFlow.Workspace) async -> String {
        do {
            try await command(workspace)
            return "done"
        } catch let error as CodexError {
            return error.rule?.rawValue ?? "\(error.code)"
        } catch {
            return "\(error)"
        }
    }

    // MARK: Commands

    static func link(_ task: CodexFlow.Task.ID, on blocker: CodexFlow.Task.ID) -> Self {
        Self("\(task) waits for \(blocker)") {
            try await $0.addDependency(of: task, on: blocker, in: "p", by: "olga")
        }
    }

    static func unlink(_ task: CodexFlow.Task.ID, from blocker: CodexFlow.Task.ID) -> Self {
        Self("\(task) does not wait for \(blocker)") {
            try await $0.removeDependency(of: task, on: blocker, in: "p", by: "olga")
        }
    }

    static func part(_ task: CodexFlow.Task.ID, of whole: CodexFlow.Task.ID?) -> Self {
        Self("\(task) is a part of \(whole?.rawValue ?? "none")") {
            try await $0.changeTask(task, in: "p", by: "olga") { $0.parentID = whole }
        }
    }

    static func move(_ task: CodexFlow.Task.ID, to status: CodexFlow.Task.Status) -> Self {
        Self("\(task) is \(status)") {
            try await $0.moveTask(task, in: "p", to: status, by: "olga")
        }
    }

    static func archive(_ task: CodexFlow.Task.ID) -> Self {
        Self("\(task) is archived") { try await $0.archiveTask(task, in: "p", by: "olga") }
    }

    static func restore(_ task: CodexFlow.Task.ID) -> Self {
        Self("\(task) is restored") { try await $0.restoreTask(task, in: "p", by: "olga") }
    }

    static func delete(_ task: CodexFlow.Task.ID) -> Self {
        Self("\(task) is deleted") { try await $0.deleteTask(task, in: "p", by: "olga") }
    }

    static func create(
        _ task: CodexFlow.Task.ID, under whole: CodexFlow.Task.ID? = nil,
        waitingFor blockers: [CodexFlow.Task.ID] = []
    ) -> Self {
        Self("\(task) is created") {
            try await $0.createTask(in: "p", by: "olga", id: task, waitingFor: blockers) { task in
                (task.title, task.status, task.parentID) = ("Task", .todo, whole)
            }
        }
    }

    /// Gives a task of the queue to a worker, and takes it back.
    static let claim = Self("a task is claimed") {
        guard
            let task = try await $0.claimNext(in: "p", by: "olga", lease: .seconds(60))
        else { return }
        try await $0.releaseTask(task.id, in: "p", by: "olga", holding: task.claim?.token)
    }
}
