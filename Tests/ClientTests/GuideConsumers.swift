// The code of Docs/Guides/Consumers.md.

import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

struct Customer: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "customer", table: "accounting", keys: ["PK": "CUSTOMERS", "SK": "{id}"])

    var id: String
    var name: String
}

struct Payment: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "payment", table: "accounting", keys: ["PK": "PAYMENTS", "SK": "{id}"])

    var id: String
    var customer: String
    var amount: Number
}

struct Receipt: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "receipt", table: "accounting", keys: ["PK": "RECEIPTS", "SK": "{payment}"])

    var payment: String
    var text: String
}

let accounting = TableDefinition("accounting", partitionKey: "PK", sortKey: "SK")
let accountingSchema = Schema(
    tables: [accounting], types: [Customer.self, Payment.self, Receipt.self])

struct UnknownCustomer: Error {}

/// Writes the receipt of a payment.
func writeReceipt(of payment: Payment, in transaction: inout WriteTransaction) throws {
    let lookup = Lookup<Customer>(["id": payment.customer])
    guard let customer = try transaction.get(lookup) else { throw UnknownCustomer() }
    let text = "\(customer.name) paid \(payment.amount)"
    try transaction.put(Receipt(payment: payment.id, text: text))
}

/// Writes the receipt of a payment that a change has inserted.
func writeReceipt(of change: ChangeRecord, in transaction: inout WriteTransaction) throws {
    guard let payment = try change.new(as: Payment.self) else { return }
    try writeReceipt(of: payment, in: &transaction)
}

/// Writes receipts until the task is cancelled, or an error needs a person.
func writeReceipts(in store: Store) async throws {
    while true {
        do {
            try await store.consume("receipts", onFailure: .deadLetter) { transaction, changes in
                for change in changes { try writeReceipt(of: change, in: &transaction) }
            }
        } catch CodexError.Code.queueFull {
            try await Task.sleep(for: .seconds(1))
        } catch CodexError.Code.commitFailed {
            try await Task.sleep(for: .seconds(1))
        }
    }
}

/// Sends each payment to another system, at least once each.
func sendPayments(from store: Store, send: (Payment) async throws -> Void) async throws {
    for try await change in try store.changes(for: "export") {
        if let payment = try change.new(as: Payment.self) { try await send(payment) }
        try await store.write { try $0.checkpoint("export", at: change) }
    }
}

@Suite("The guide: consumers", .timeLimit(.minutes(30)))
struct GuideConsumersTests {
    @Test("Each payment has one receipt, and a dead letter is tried again")
    func receipts() async throws {
        let temporary = try TemporaryStore(schema: accountingSchema)
        let store = temporary.store
        try await store.insert(Customer(id: "ada", name: "Ada"))
        try await store.insert(Payment(id: "1", customer: "ada", amount: 12))
        try await store.insert(Payment(id: "2", customer: "bob", amount: 5))
        try await store.insert(Payment(id: "3", customer: "eve", amount: 1))

        let filter = ChangeFilter(entities: ["payment"], kinds: [.insert])
        try await store.addConsumer("receipts", after: .trimHorizon, filter: filter)
        let consumer = Task {
            do {
                try await writeReceipts(in: store)
            } catch {
                if !Task.isCancelled { print("the consumer receipts ended:", error) }
                throw error
            }
        }

        let receipts = Query<Receipt>([:])
        while try store.deadLetters(of: "receipts").count < 2 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try store.all(receipts).map(\.text) == ["Ada paid 12"])
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await store.addConsumer("receipts")
        }
        try await store.addConsumer("receipts", filter: filter)

        for status in try store.consumers() {
            print(status.name, status.lagCommitCount, status.deadLetterCount, status.isTrimmed)
        }
        #expect(try store.consumers().map(\.deadLetterCount) == [2])

        for letter in try store.deadLetters(of: "receipts") {
            print(letter.change.sequenceNumber, letter.attemptCount, letter.error)
        }
        let letters = try store.deadLetters(of: "receipts")
        #expect(letters.map(\.error) == ["UnknownCustomer()", "UnknownCustomer()"])
        #expect(letters.map(\.attemptCount) == [3, 3])

        try await store.insert(Customer(id: "bob", name: "Bob"))
        let retried = try await store.retryDeadLetters(of: "receipts") { transaction, change in
            try writeReceipt(of: change, in: &transaction)
        }
        print(retried.successCount, "done,", retried.failureCount, "failed again")
        #expect(retried.successCount == 1 && retried.failureCount == 1)
        #expect(try store.all(receipts).map(\.text) == ["Ada paid 12", "Bob paid 5"])

        for letter in try store.deadLetters(of: "receipts") {
            try await store.discardDeadLetter(letter.change.sequenceNumber, of: "receipts")
        }
        #expect(try store.deadLetters(of: "receipts").isEmpty)

        consumer.cancel()
        _ = await consumer.result
    }

    @Test("A consumer starts over from the items")
    func rebuilding() async throws {
        let temporary = try TemporaryStore(schema: accountingSchema)
        let store = temporary.store
        try await store.insert(Customer(id: "ada", name: "Ada"))
        try await store.insert(Payment(id: "1", customer: "ada", amount: 12))
        try await store.addConsumer("receipts")

        try await store.rebuildConsumer("receipts") { transaction in
            for payment in try transaction.all(Query<Payment>([:])) {
                try writeReceipt(of: payment, in: &transaction)
            }
        }
        #expect(try store.all(Query<Receipt>([:])).map(\.payment) == ["1"])
    }

    struct Enough: Error {}

    @Test("Payments leave the store at least once")
    func sending() async throws {
        let temporary = try TemporaryStore(schema: accountingSchema)
        let store = temporary.store
        try await store.addConsumer("export", filter: ChangeFilter(entities: ["payment"]))
        for id in ["1", "2", "3"] {
            try await store.insert(Payment(id: id, customer: "ada", amount: 12))
        }
        var sent: [String] = []
        for last in ["2", "3"] {
            do {
                try await sendPayments(from: store) { payment in
                    sent.append(payment.id)
                    if payment.id == last { throw Enough() }
                }
            } catch is Enough {}
        }
        // The second was sent, and its checkpoint was not moved.
        #expect(sent == ["1", "2", "2", "3"])
    }
}
