import CDurablePeers
import CodexCore
import MeasuredPaths

/// An update of one task.
struct TaskUpdate: Sendable {
    let key: PrimaryKey
    let update: Update
}

/// Random updates of sample tasks, each for a commit of its own.
protocol UpdateSource: Sendable {
    /// How many tasks there are.
    var count: Int { get }

    /// The next update.
    func change(_ random: inout UInt64) -> TaskUpdate
}

extension UpdateSource {
    /// The primary key of a task.
    func key(_ number: Int) -> PrimaryKey {
        PrimaryKey(
            .string("PROJECT#" + SampleTasks.projectID(number)),
            .string("TASK#" + SampleTasks.taskID(number)))
    }
}

/// Updates that give a random task another title.
///
/// All titles of a task have the same length, so that no leaf splits.
struct TitleUpdates: UpdateSource {
    let count: Int

    private static let title = Attribute<String>("title")

    func change(_ random: inout UInt64) -> TaskUpdate {
        let number = durable_below(&random, count)
        // As long as the last word of a sample task's title.
        let word = String(10_000 + durable_below(&random, 90_000))
        return TaskUpdate(
            key: key(number),
            update: Update().setting(
                Self.title, to: "Task number \(number): measure what it \(word)"))
    }
}
