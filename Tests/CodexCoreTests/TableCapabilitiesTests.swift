import CodexCore
import Testing

/// What services can do, and what they are refused for.
@Suite("Capabilities of services")
struct TableCapabilitiesTests {
    /// Each need, with one action less, as many and one more for lists.
    private static let needs: [TableCapabilities.Need] = [
        .consistentItems, .consistentQueries, .consistentIndexQueries, .conditionalWrites,
        .transactions(actionCount: 99), .transactions(actionCount: 100),
        .transactions(actionCount: 101), .idempotencyTokens, .compositeIndexKeys, .batchReads,
        .batchWrites, .stream, .timeToLive,
    ]

    @Test("A store meets all needs, and a service without promises meets none")
    func extremes() {
        #expect(TableCapabilities.embedded.missing(Self.needs).isEmpty)
        #expect(TableCapabilities().missing(Self.needs) == Self.needs)
    }

    @Test("DynamoDB lacks consistent indexes and lists of more than 100 actions")
    func dynamoDB() {
        #expect(
            TableCapabilities.dynamoDB.missing(Self.needs) == [
                .consistentIndexQueries, .transactions(actionCount: 101),
            ])
    }

    @Test("Alternator lacks lists, tokens and composite keys as well")
    func alternator() {
        #expect(
            TableCapabilities.alternator.missing(Self.needs) == [
                .consistentIndexQueries, .transactions(actionCount: 99),
                .transactions(actionCount: 100), .transactions(actionCount: 101),
                .idempotencyTokens, .compositeIndexKeys,
            ])
    }

    @Test("A refusal names each missing need, and no other one")
    func refusal() throws {
        try TableCapabilities.dynamoDB.require(.consistentItems, .transactions(actionCount: 100))
        do throws(CodexError) {
            try TableCapabilities.alternator.require(
                .consistentItems, .transactions(actionCount: 2), .idempotencyTokens)
            Issue.record("It was not refused.")
        } catch {
            #expect(error.code == .unsupportedOperation)
            #expect(error.message.contains("lacks transactions of 2 actions, idempotency tokens."))
        }
    }

    @Test("Each need has a name of its own")
    func names() {
        #expect(Set(Self.needs.map(\.description)).count == Self.needs.count)
    }
}
