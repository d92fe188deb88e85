import ArgumentParser
import CodexStore

/// How far a follower in another process is behind 64 writers at full speed, and what it costs them.
struct FollowerRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follower", abstract: "A follower beside 64 writers: its lag, and their speed."
    )

    @OptionGroup var scratch: Scratch
    @Option(help: "How many tasks there are, seven digits at most.")
    var count = 1_000_000
    @Option(help: "How often both sides take their turn.")
    var rounds = 5
    @Option(help: "How long the writers write in a turn.")
    var seconds = 4.0

    func run() async throws {
        try await scratch.use { directory in
            let workload = Workload(count: count)
            let store = try Store(at: directory + "/store", schema: Workload.schema)
            defer { store.close() }
            note("loading \(count) tasks")
            try await workload.load(into: store)
            try await measureFollower(
                store, workload, directory, rounds: rounds, seconds: seconds
            ).report()
        }
    }
}

/// A process that follows a leader until it is terminated.
struct FollowerProcess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follower-process", shouldDisplay: false)

    @Argument var path: String
    @Argument var leader: String

    func run() async throws {
        let follower = try Store(at: path)
        let opened = try Store(at: leader, options: StoreOptions(isReadOnly: true))
        let start = try follower.stats().sequence
        try await follower.follow(opened.replicationStream(after: start))
    }
}
