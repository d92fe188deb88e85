import Foundation
import Testing

@testable import CodexCore
@testable import CodexStore

/// What a leader says of tokens, consumers and dead letters, which no item explains.
@Suite("A leader's entries of tokens and consumers", .timeLimit(.minutes(30)))
struct HostileEntryTests {
    private struct Entry: CustomStringConvertible {
        let description: String
        let space: SystemSpace
        let key: [UInt8]
        var value: [UInt8]?

        init(_ description: String, _ space: SystemSpace, _ key: [UInt8], _ value: [UInt8]?) {
            (self.description, self.space, self.key, self.value) = (description, space, key, value)
        }
    }

    private static let moment = BigEndian.bytes(UInt64(5))
    private static let digest = [UInt8](repeating: 7, count: 16)
    private static let late = [UInt8](repeating: 0xFF, count: 12)

    private static func text(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x61, count: count) }

    private static func join(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

    private static func tokens() -> [Entry] {
        let value = join(moment, digest)
        let ofNoKind = join(moment, [9], digest, digest)
        return [
            Entry("a token without a digest", .tokens, [0, 1], moment),
            Entry("a digest that is cut", .tokens, [0, 1], Array(value.dropLast())),
            Entry("a digest of no kind", .tokens, [0, 1], ofNoKind),
            Entry("a moment past all", .tokens, [0, 1], join(Array(late.prefix(8)), digest)),
            Entry("no token", .tokens, [0], value),
            Entry("a long token", .tokens, join([0], text(37)), value),
            Entry("a moment without a token", .tokens, join([1], moment), []),
            Entry("a moment with a value", .tokens, join([1], moment, [1]), [1]),
            Entry("a token of no kind", .tokens, [2, 1], value),
        ]
    }

    private static func consumers(_ pair: FollowerPair) throws -> [Entry] {
        let state = try state()
        let parked = try parked(pair)
        let (key, value) = (parked.key("c"), parked.bytes)
        return [
            Entry("a key that is found again", .consumers, join([1], late), [1]),
            Entry("the same with a value", .consumers, join([1], late), value),
            Entry("a dead letter of nobody", .consumers, join([1, 0], late), value),
            Entry("a short number", .consumers, Array(key.dropLast()), value),
            Entry("a long number", .consumers, join(key, [0]), value),
            Entry("a number past all", .consumers, join([1, 0x61, 0], late), value),
            Entry("a value that is cut", .consumers, key, Array(value.dropLast())),
            Entry("a value that goes on", .consumers, key, join(value, [0])),
            Entry("a consumer without a name", .consumers, [0], state),
            Entry("a long name", .consumers, join([0], text(256)), state),
            Entry("a name with a zero", .consumers, [0, 0x61, 0, 0x61], state),
            Entry("a name that is no text", .consumers, [0, 0xFF], state),
            Entry("a consumer of no kind", .consumers, [2, 0x61], state),
        ]
    }

    private static func state() throws -> [UInt8] {
        try Consumer(filter: .all, after: SequenceNumber(commit: 1), now: 0).json()
    }

    private static func parked(_ pair: FollowerPair) throws -> DeadLetter {
        let change = try #require(try pair.leader.retainedChanges(after: .trimHorizon).first)
        return DeadLetter(
            change: change, error: CodexError(.notFound, "Refused."), attemptCount: 1,
            hidesValues: false)
    }

    @Test("An entry that is none is refused, and nothing of it applied")
    func refused() async throws {
        let pair = try await FollowerPair()
        for entry in Self.tokens() + (try Self.consumers(pair)) {
            let bytes = try pair.record {
                LogBody.appendSystem(entry.space, key: entry.key, value: entry.value, to: &$0)
            }
            await #expect(throws: CodexError(.diverged, ""), "\(entry)") {
                try await pair.follower.follow(FollowerPair.pieces(bytes))
            }
            #expect(try pair.follower.stats().sequence == 10, "\(entry)")
        }
        #expect(try pair.follower.verify().isSound)
    }

    @Test("Tokens, consumers and dead letters are applied, and so is the removal of anything")
    func applied() async throws {
        let pair = try await FollowerPair()
        let state = try Self.state()
        let parked = try Self.parked(pair)
        let token = Self.text(36)
        let entries = [
            Entry("a token", .tokens, Self.join([0], token), Self.join(Self.moment, Self.digest)),
            Entry("its moment", .tokens, Self.join([1], Self.moment, token), []),
            Entry("a consumer", .consumers, Self.join([0], Self.text(255)), state),
            Entry("another", .consumers, [0, 0x63], state),
            Entry("a dead letter", .consumers, parked.key("c"), parked.bytes),
            Entry("a removal", .tokens, [9], nil),
            Entry("a removal of a consumer", .consumers, Self.join([1], Self.late), nil),
        ]
        let bytes = try pair.record { body in
            for entry in entries {
                LogBody.appendSystem(entry.space, key: entry.key, value: entry.value, to: &body)
            }
        }
        try await pair.follower.follow(FollowerPair.pieces(bytes))
        #expect(try pair.follower.stats().sequence == 11)
        #expect(try pair.follower.deadLetters(of: "c").map(\.error) == [parked.error])
        #expect(try pair.follower.verify().isSound)
    }
}
