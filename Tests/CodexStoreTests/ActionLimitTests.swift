import CodexCore
import Testing

@testable import CodexStore

/// The limits of a list of actions, byte by byte.
@Suite("Limits of actions")
struct ActionLimitTests {
    private static let limits = ActionLimits(byteCount: 100, encodedByteCount: 50, stepCount: 10)

    @Test("The encodings of checked items fill their limit, and not a byte more", arguments: -1...1)
    func encodings(difference: Int) throws {
        var account = ActionAccount(Self.limits)
        try account.beginCheck(encodedByteCount: 20)
        let isTaken = (try? account.beginCheck(encodedByteCount: 30 + difference)) != nil
        #expect(isTaken == (difference <= 0))
    }

    @Test("The sizes of checked items count with those of the others", arguments: -1...1)
    func sizes(difference: Int) throws {
        var account = ActionAccount(Self.limits)
        // The name counts, too.
        try account.begin(["p": .string(String(repeating: "x", count: 39))])
        try account.end(nil)
        let isTaken = (try? account.endCheck(byteCount: 60 + difference)) != nil
        #expect(isTaken == (difference <= 0))
    }

    @Test("A program that embeds the store has no limits, and all steps for each condition")
    func unlimited() throws {
        var account = ActionAccount(nil)
        for _ in 0..<2 {
            try account.beginCheck(encodedByteCount: .max / 2)
            #expect(account.stepCount == StoreLimits.conditionStepCountMax)
            account.stepCount = -1
            #expect(!account.isExhausted)
            try account.endCheck(byteCount: .max / 2)
        }
    }

    @Test("No steps are left below zero", arguments: -1...1)
    func steps(count: Int) {
        var account = ActionAccount(Self.limits)
        account.stepCount = count
        #expect(account.isExhausted == (count < 0))
    }
}
