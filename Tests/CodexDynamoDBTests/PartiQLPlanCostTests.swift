import CodexCore
import CodexStore
import Testing

@testable import CodexDynamoDB

/// What the plan of a SELECT holds, and when it is made.
@Suite("The cost of PartiQL's plans")
struct PartiQLPlanCostTests {
    private static let tooMany = "Too many decomposed read operations for a given query."

    private static let letters = "abcdefghijklmnopqrstuvwxyz"

    /// Names of two characters that are no keywords.
    private static let names: [String] = (letters + letters.uppercased()).flatMap { letter in
        (0..<10).map { "\(letter)\($0)" }
    }

    /// A SELECT with `IN` over both keys, and lists of attributes that other attributes are in.
    private static func statement(
        partitions: Int, sortKeys: Int, lists: Int
    ) -> (text: String, parameters: [AttributeValue]) {
        func list(_ count: Int) -> String {
            "(" + Array(repeating: "?", count: count).joined(separator: ",") + ")"
        }
        var text = "SELECT * FROM ttt WHERE p IN \(list(partitions)) AND s IN \(list(sortKeys))"
        for place in 0..<lists {
            let paths = (0..<99).map { names[(20 * place + 1 + $0) % names.count] }
            text += " AND \(names[20 * place]) IN (" + paths.joined(separator: ",") + ")"
        }
        let first: [AttributeValue] = (0..<partitions).map { .string("k\($0)") }
        let second: [AttributeValue] = (0..<sortKeys).map { .number(Number($0)) }
        return (text, first + second)
    }

    /// What is left of planning a condition.
    private struct Outcome {
        var branches: [KeyBranch]?
        var message = ""
        var filterCount = 0
    }

    private func condition(
        _ text: String, _ parameters: [AttributeValue] = []
    ) throws -> Condition {
        guard case .read(let query) = try TypedStatement(text, parameters),
            let condition = query.condition
        else { throw ServiceError.validation("no condition: \(text)") }
        return condition
    }

    private func outcome(
        _ text: String, _ parameters: [AttributeValue] = []
    ) throws -> Outcome {
        let condition = try condition(text, parameters)
        var reader = KeyBranchReader(
            partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("s", .number))
        var outcome = Outcome()
        do {
            outcome.branches = try reader.alternatives(condition)
        } catch {
            outcome.message = ServiceError(error).message
        }
        outcome.filterCount = reader.filters.count
        return outcome
    }

    // MARK: Alternatives

    @Test(
        "Alternatives are built only if there are at most 50",
        arguments: [
            (7, 7, true), (5, 10, true), (50, 1, true), (17, 3, false), (51, 1, false),
            (100, 10, false), (64, 16, false), (41, 25, false), (100, 100, false),
        ])
    func branches(partitions: Int, sortKeys: Int, isBuilt: Bool) throws {
        let (text, parameters) = Self.statement(
            partitions: partitions, sortKeys: sortKeys, lists: 20)
        let outcome = try outcome(text, parameters)
        #expect(outcome.message == (isBuilt ? "" : Self.tooMany))
        #expect(outcome.branches?.count == (isBuilt ? partitions * sortKeys : nil))
        // Conditions are recorded while alternatives are built.
        #expect(outcome.filterCount == (isBuilt ? 20 : 0))
    }

    @Test("An alternative has one entry for each other condition", arguments: [0, 1, 2, 25])
    func entries(lists: Int) throws {
        let (text, parameters) = Self.statement(partitions: 5, sortKeys: 10, lists: lists)
        let outcome = try outcome(text, parameters)
        #expect(outcome.branches?.count == 50)
        #expect(outcome.filterCount == lists)
        for branch in outcome.branches ?? [] {
            #expect(branch.filterPlaces.sorted() == Array(0..<lists))
        }
    }

    @Test("The longest statement of lists is refused in each operation")
    func longest() async throws {
        let (text, parameters) = Self.statement(partitions: 100, sortKeys: 10, lists: 25)
        #expect((7500...8192).contains(text.unicodeScalars.count))
        let client = try PartiQLClient(ShortTables.pair)
        #expect(try await client.execute(text, parameters).message == Self.tooMany)
        let statements = Array(repeating: PartiQLClient.json(text, parameters), count: 25)
        let batch = try await client.list("BatchExecuteStatement", statements)
        let messages: [String?] = Array(repeating: Self.tooMany, count: 25)
        #expect(batch.messages == messages)
    }

    @Test(
        "An alternative with two partitions makes the statement a scan",
        arguments: [
            ("p = 'a' AND p = 'b'", true), ("p = 'a' AND p = 'a'", false),
            ("p IN ('a','b') AND p = 'a'", true), ("p = 'a' AND p IN ('a')", false),
            ("p = 'a' AND (p = 'a' OR s = 1)", false), ("p = 'a' AND (p = 'b' OR s = 1)", true),
            ("(p = 'a' OR s = 1) AND (s = 2 OR p = 'a') AND p = 'a'", false),
            ("(p = 'a' AND n = 1) OR (p = 'b' AND n = 2)", false),
            ("(p = 'a' AND p = 'b') OR p = 'c'", true),
        ])
    func conflicts(clause: String, isScan: Bool) throws {
        let outcome = try outcome("SELECT * FROM ttt WHERE " + clause)
        #expect(outcome.message.isEmpty)
        let isBuilt = outcome.branches != nil
        #expect(isBuilt == !isScan)
    }

    @Test("Two partitions make a scan before the queries are counted", arguments: [15, 16, 17])
    func conflictOfMany(count: Int) throws {
        let list = (0..<64).map { "'k\($0)'" }.joined(separator: ",")
        let other = (0..<count).map { "'l\($0)'" }.joined(separator: ",")
        let outcome = try outcome("SELECT * FROM ttt WHERE p IN (\(list)) AND p IN (\(other))")
        let isBuilt = outcome.branches != nil
        #expect(!isBuilt)
        #expect(outcome.message == (count <= 16 ? "" : Self.tooMany))
    }

    // MARK: Indexes

    @Test(
        "The names that an index lacks are those of the last alternative, in its order",
        arguments: [
            ("p = 'a' AND y = 1 AND x = z AND y <> b", ["y", "z", "b"]),
            ("(y = 1 AND p = 'a') AND (b = c AND x = 1)", ["y", "b", "c"]),
            ("p IN ('a','b') AND z = y", ["z", "y"]),
            ("(p = 'b' AND z = 1) OR (p = 'a' AND y = 1)", ["z"]),
            ("(p = 'b' AND x = 1) OR (p = 'a' AND y = 1)", []),
            ("p = 'a' AND x = 1", []), ("p = 'a'", []), ("y = 1", []),
        ] as [(String, [String])])
    func lacking(clause: String, names: [String]) throws {
        let condition = try condition("SELECT * FROM ttt WHERE " + clause)
        let plan = try KeyPlan(condition, KeyAttribute("p"), KeyAttribute("s", .number))
        let lacking = plan.lackingNames { !["p", "s", "x"].contains($0) }
        #expect(lacking == names)
    }

    // MARK: Time

    /// The checks of the time that a batch of reads without a key makes.
    private func checkCount(_ client: PartiQLClient, statements: Int) async throws -> Int {
        let checks = CallCounter()
        var budget = RequestBudget()
        budget.isOver = {
            checks.add()
            return false
        }
        let statement = PartiQLClient.json("SELECT * FROM ttt WHERE n = 1")
        let list = Array(repeating: statement, count: statements).joined(separator: ",")
        let answer = try await client.ask(
            "BatchExecuteStatement", "{\"Statements\":[\(list)]}", budget)
        let codes: [String?] = Array(repeating: "ValidationError", count: statements)
        #expect(answer.codes == codes)
        return checks.count
    }

    @Test("A batch checks the time before each plan and before each read", arguments: [2, 24, 25])
    func time(statements: Int) async throws {
        let client = try PartiQLClient(ShortTables.pair)
        let first = try await checkCount(client, statements: 1)
        let all = try await checkCount(client, statements: statements)
        #expect(all - first >= 2 * (statements - 1))
    }
}
