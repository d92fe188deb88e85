import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Follow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Applies a leader's commits to a follower, as they come.",
        discussion: """
            The follower was made by `codexflow restore --follower` of a backup. The commits come from \
            standard input, until it ends, or from the leader's directory on this machine (--leader), \
            until it is interrupted:

              codexflow follow follower --leader leader
              ssh host codexflow tail leader --records --after 17 | codexflow follow follower

            Where to begin, `codexflow stats` says ("commits"); what is applied already is skipped.
            """)

    @Argument(help: "The follower's directory.") var store: String
    @Option(help: "The leader's directory, instead of standard input.") var leader: String?

    func run() async throws {
        let follower = try Store(at: store)
        defer { follower.close() }
        guard let start = try follower.followerState() else {
            throw CodexError(
                .notFollowing,
                "\(store) follows no other store. Make a follower with `codexflow restore --follower`."
            )
        }
        let end: FollowerState
        if let leader {
            let opened = try Store(at: leader, options: StoreOptions(isReadOnly: true))
            defer { opened.close() }
            end = try await follower.follow(opened.records(after: start.sequence))
        } else {
            end = try await follower.follow(StandardInput())
        }
        print(
            "commit \(end.sequence), \(end.sequence - start.sequence) applied"
                + (end.behindCount > 0 ? "; \(end.behindCount) more are known of" : ""))
    }
}

/// The pieces that come on standard input.
private struct StandardInput: AsyncSequence, Sendable {
    struct AsyncIterator: AsyncIteratorProtocol {
        private static let pieceByteCount = 1 << 20

        mutating func next() async throws -> [UInt8]? {
            // Its own thread: one of Swift's must not wait for a pipe.
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<[UInt8]?, any Error>) in
                Thread.detachNewThread {
                    var bytes = [UInt8](repeating: 0, count: Self.pieceByteCount)
                    while true {
                        let count = read(STDIN_FILENO, &bytes, bytes.count)
                        if count < 0, errno == EINTR { continue }
                        guard count >= 0 else {
                            return continuation.resume(
                                throwing: CodexError(
                                    .inputOutput, "Standard input cannot be read (\(errno))."))
                        }
                        return continuation.resume(
                            returning: count == 0 ? nil : Array(bytes.prefix(count)))
                    }
                }
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}

struct Promote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a follower a store that takes writes.",
        discussion: "See to it before that its leader takes no more: nothing tells it.")

    @Argument(help: "The follower's directory.") var store: String
    @Flag(help: "Give up commits that the leader is known to have and the follower lacks.")
    var evenIfBehind = false

    func run() async throws {
        let follower = try Store(at: store)
        defer { follower.close() }
        let state = try await follower.promote(evenIfBehind: evenIfBehind)
        print(
            "takes writes from commit \(state.sequence) on"
                + (state.behindCount > 0
                    ? "; \(state.behindCount) commits of the leader are lost" : ""))
    }
}
