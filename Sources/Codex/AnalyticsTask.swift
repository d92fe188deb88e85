internal import CodexCore

/// A task of a project, as the analytics tell them apart.
struct AnalyticsTask: Hashable, Sendable {
    let project: CodexFlow.Project.ID
    let task: CodexFlow.Task.ID

    init(_ project: CodexFlow.Project.ID, _ task: CodexFlow.Task.ID) {
        (self.project, self.task) = (project, task)
    }

    /// The key of the task's share.
    var shareKey: PrimaryKey {
        PrimaryKey(.string("PROJECT#\(project)"), .string("SHARE#\(task)"))
    }

    /// Reads the key of a task's item; `nil` for other keys.
    init?(_ key: PrimaryKey) { self.init(key, after: "TASK#", isLast: true) }

    /// Reads the task in the key of an entry of history; `nil` for other keys.
    init?(entry key: PrimaryKey) { self.init(key, after: "ACTIVITY#", isLast: false) }

    /// Reads a task in a sort key, between a prefix and the end or the next `#`.
    private init?(_ key: PrimaryKey, after prefix: String, isLast: Bool) {
        guard let project = CodexFlow.Project.ID(partition: key.partition),
            let sort = key.sort?.string, sort.utf8.starts(with: prefix.utf8)
        else { return nil }
        let rest = sort.utf8.dropFirst(prefix.utf8.count)
        let part = rest.prefix { $0 != UInt8(ascii: "#") }
        guard isLast == (part.count == rest.count),
            let task = try? CodexFlow.Task.ID(String(decoding: part, as: UTF8.self))
        else { return nil }
        self.init(project, task)
    }
}
