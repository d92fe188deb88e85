// The code of Docs/Guides/Errors.md.

import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

struct Account: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "account", table: "accounts", keys: ["id": "{id}"])

    var id: String
    var balance: Int
}

/// The accounts that can be read; the others are reported.
func readableAccounts(
    _ query: Query<Account>, in store: Store, report: (String) -> Void
) throws -> [Account] {
    try store.all(query) { error in
        report("item \(error.itemIndex ?? 0), \(error.attributePath ?? "any"): \(error.code)")
    }
}

/// Sends a list of actions until the store has answered; it takes effect once.
func sendOnce(_ actions: [WriteAction], token: String, to store: Store) async throws {
    for attempt in 1...5 {
        do {
            try await store.perform(actions, idempotencyToken: token)
            return
        } catch CodexError.Code.queueFull where attempt < 5 {
            try await Task.sleep(for: .milliseconds(10 << attempt))
        } catch CodexError.Code.commitFailed where attempt < 5 {
            continue
        }
    }
}

/// The options of a store whose events reach the operator.
func observedOptions(report: @escaping @Sendable (String) -> Void) -> StoreOptions {
    var options = StoreOptions()
    options.observer = { event in
        switch event {
        case .slowCommit, .growth, .checkpoint: break  // usual in a sound store
        case .historyShed(let sequence, let readers):
            report("changes up to \(sequence) are removed; \(readers) had not read them")
        default: report("\(event)")
        }
    }
    return options
}

@Suite("The guide: handle errors")
struct GuideErrorsTests {
    static let table = TableDefinition("accounts", partitionKey: KeyAttribute("id"))
    static let schema = Schema(tables: [table]).adding(Account.self)

    @Test("Errors are matched by code, and tell what is stored")
    func codes() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let account = Account(id: "a", balance: 10)
        try await store.insert(account)
        var balance: Int64?

        do {
            try await store.insert(account)
        } catch let error as CodexError where error.code == .conditionFailed {
            balance = error.currentItem?["balance"]?.number?.int64
        } catch let error as CodexError {
            print("failed: \(error)")  // for the log: no user data
        }
        #expect(balance == 10)
    }

    @Test("An item that cannot be read is reported, with its place")
    func badItem() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.insert(Account(id: "a", balance: 10))
        let query = Query<Account>(partition: "a")
        var reports: [String] = []
        #expect(try readableAccounts(query, in: store) { reports.append($0) }.count == 1)
        #expect(reports.isEmpty)
        try await store.update(
            in: "accounts", key: PrimaryKey("a"),
            Update().setting(Attribute<String>("balance"), to: "ten"))
        #expect(try readableAccounts(query, in: store) { reports.append($0) }.isEmpty)
        #expect(reports == ["item 0, balance: typeMismatch"])
        let error = #expect(throws: CodexError.self) { try store.all(query) }
        #expect(
            error?.description
                == "typeMismatch: The attribute balance is a string (S), and Int needs a number "
                + "(N). Change the field's type, or raise the schemaVersion and convert the "
                + "attribute in upgrade(_:from:). (entity account, item at index 0)")
    }

    @Test("The events of a store reach the operator")
    func observer() async throws {
        let (reports, continuation) = AsyncStream<String>.makeStream()
        let options = observedOptions { continuation.yield($0) }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        try await temporary.store.insert(Account(id: "a", balance: 10))
        options.observer?(.checkpoint(duration: .zero, sequence: 7))
        options.observer?(.historyShed(through: 7, readers: ["receipts"]))
        options.observer?(.directoryMoved(path: "/srv/a"))
        var received: [String] = []
        for await report in reports {
            received.append(report)
            if report.contains("/srv/a") { break }
        }
        #expect(
            received.contains("changes up to 7 are removed; [\"receipts\"] had not read them"))
        #expect(received.last == "directoryMoved(path: \"/srv/a\")")
    }

    @Test("A list of actions is sent again, and takes effect once")
    func retries() async throws {
        let failures = CommitFailures()
        let temporary = try TemporaryStore(schema: Self.schema, failures: failures)
        let store = temporary.store
        try await store.insert(Account(id: "a", balance: 10))

        let balance = Attribute<Int>("balance")
        let payment: [WriteAction] = [
            .update(
                table: "accounts", key: PrimaryKey("a"), Update().adding(-3, to: balance),
                condition: balance >= 3)
        ]
        failures.failNextCommit()
        try await sendOnce(payment, token: "payment-1", to: store)
        try await sendOnce(payment, token: "payment-1", to: store)
        #expect(try store.get(Lookup<Account>(partition: "a"))?.balance == 7)
    }

    @Test("The messages of a newcomer's mistakes are those of the document")
    func messages() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: [Self.table]))
        let missing = await #expect(throws: CodexError.self) {
            try await temporary.store.insert(Account(id: "a", balance: 10))
        }
        #expect(
            missing?.description
                == "unknownEntity: The store's schema has no entity account. "
                + "Open the store with a schema that has it.")

        let noTable = #expect(throws: CodexError.self) {
            try Schema(tables: []).adding(Account.self).validate()
        }
        #expect(
            noTable?.message
                == "The schema contradicts itself: entity account is in the unknown table "
                + "accounts.")

        let other = TableDefinition("accounts", partitionKey: KeyAttribute("PK"))
        let noTemplate = #expect(throws: CodexError.self) {
            try Schema(tables: [other]).adding(Account.self).validate()
        }
        #expect(
            noTemplate?.message
                == "The schema contradicts itself: entity account needs a template for PK, "
                + "a string key attribute.")

        let twice = #expect(throws: CodexError.self) { try Store(at: temporary.path) }
        #expect(twice?.code == .alreadyOpen)
        let nested = await #expect(throws: CodexError.self) {
            try await temporary.store.write { _ in
                try temporary.store.write { _ in }
            }
        }
        #expect(nested?.code == .nestedWrite)
    }
}
