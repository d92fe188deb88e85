import ArgumentParser
import CodexCore
import CodexStore
import Foundation

struct Follow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Applies a leader's commits to a follower as they arrive.",
        discussion: """
            Make the follower by `codexflow restore --follower` from a backup. The commits come \
            from standard input until it ends, or from the leader's directory on this machine \
            (--leader) until the command is interrupted:

              codexflow follow follower --leader leader
              ssh host codexflow tail leader --records --after 17 | codexflow follow follower

            Begin after the number that `codexflow stats` prints as "commits". Commits that are \
            already applied are skipped. The end of standard input is no failure: begin again (see \
            Docs/Followers.md).
            """)

    @Argument(help: "The follower's directory.") var store: String
    @Option(help: "The leader's directory, instead of standard input.") var leader: String?
    @OptionGroup var keys: KeyFileArguments

    func run() async throws {
        let follower = try keys.openReporting(store)
        defer { follower.close() }
        guard let start = try follower.followerState() else {
            throw CodexError(
                .notFollowing,
                "\(store) is no follower. Make a follower with `codexflow restore --follower`."
            )
        }
        let end: FollowerState
        if let leader {
            let opened = try keys.openReporting(leader, isReadOnly: true)
            defer { opened.close() }
            end = try await follower.follow(opened.replicationStream(after: start.sequence))
        } else {
            end = try await follower.follow(StandardInput())
        }
        Console.print(
            "commit \(end.sequence), \(end.sequence - min(start.sequence, end.sequence)) applied"
                + (end.lagCommitCount > 0 ? "; \(end.lagCommitCount) more are known of" : ""))
    }
}

/// The pieces of standard input, each read by its own thread.
///
/// A thread of Swift's concurrency pool must not wait for a pipe.
struct StandardInput: AsyncSequence, Sendable {
    struct AsyncIterator: AsyncIteratorProtocol {
        /// A cancelled task does not wait for input that may never arrive.
        mutating func next() async throws -> [UInt8]? {
            let (pieces, piece) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            Thread.detachNewThread { piece.finish(with: Result { try Self.read() }) }
            var iterator = pieces.makeAsyncIterator()
            return try await iterator.next()
        }

        private static func read() throws -> [UInt8]? {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = Foundation.read(STDIN_FILENO, &bytes, bytes.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else {
                    throw CodexError(.inputOutput, "Standard input cannot be read (\(errno)).")
                }
                return count == 0 ? nil : Array(bytes.prefix(count))
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}

extension AsyncThrowingStream<[UInt8], any Error>.Continuation {
    fileprivate func finish(with piece: Result<[UInt8]?, any Error>) {
        switch piece {
        case .success(let bytes):
            if let bytes { yield(bytes) }
            finish()
        case .failure(let error): finish(throwing: error)
        }
    }
}

struct Promote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a follower a store that takes writes.",
        discussion: """
            First make sure that the leader takes no more writes. It does not learn of the \
            promotion.
            """)

    @Argument(help: "The follower's directory.") var store: String
    @Flag(help: "Give up the known commits of the leader that the follower lacks.")
    var evenIfBehind = false
    @OptionGroup var keys: KeyFileArguments

    func run() async throws {
        let follower = try keys.openForWriting(store)
        defer { follower.close() }
        let state = try await follower.promote(evenIfBehind: evenIfBehind)
        Console.print(
            "takes writes after commit \(state.sequence)"
                + (state.lagCommitCount > 0
                    ? "; \(state.lagCommitCount) commits of the leader are lost" : ""))
    }
}
