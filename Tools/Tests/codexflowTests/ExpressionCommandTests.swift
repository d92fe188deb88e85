import Foundation
import Testing

/// DynamoDB's expressions on the command line.
@Suite("codexflow, expressions")
struct ExpressionCommandTests {
    let base: CommandTests

    init() throws { base = try CommandTests() }

    @Test("query, scan, put, update and delete take expressions")
    func expressions() throws {
        #expect(try base.run("init", base.store).code == 0)
        for number in 0..<5 {
            let item =
                #"{"PK":{"S":"USER#1"},"SK":{"S":"NOTE#\#(number)"},"status":{"S":"\#(number < 3 ? "open" : "done")"},"n":{"N":"\#(number)"}}"#
            #expect(try base.run("put", base.store, item).code == 0)
        }
        let query = try base.run(
            "query", base.store, "--key-condition", "PK = :u AND begins_with(SK, :t)", "--filter",
            "#s = :open AND n > :zero", "--projection", "SK, n", "--names", ##"{"#s":"status"}"##,
            "--values",
            #"{":u":{"S":"USER#1"},":t":{"S":"NOTE#"},":open":{"S":"open"},":zero":{"N":"0"}}"#)
        #expect(query.code == 0, "\(query.errors)")
        #expect(
            query.output.split(separator: "\n") == [
                #"{"SK":{"S":"NOTE#1"},"n":{"N":"1"}}"#, #"{"SK":{"S":"NOTE#2"},"n":{"N":"2"}}"#,
            ])
        let scan = try base.run(
            "scan", base.store, "--filter", "size(SK) = :n AND n IN (:a, :b)", "--projection", "n",
            "--values", #"{":n":{"N":"6"},":a":{"N":"0"},":b":{"N":"4.0"}}"#)
        #expect(scan.output.split(separator: "\n").count == 2, "\(scan.errors)")

        let update = try base.run(
            "update", base.store, "USER#1", "NOTE#1", "--expression", "SET #s = :done ADD n :ten",
            "--condition",
            "attribute_exists(PK)", "--names", ##"{"#s":"status"}"##, "--values",
            #"{":done":{"S":"done"},":ten":{"N":"10"}}"#)
        #expect(update.code == 0 && update.output.contains(#""n":{"N":"11"}"#), "\(update.errors)")
        let refused = try base.run(
            "put", base.store, #"{"PK":{"S":"USER#1"},"SK":{"S":"NOTE#1"}}"#, "--condition",
            "n < :n",
            "--values", #"{":n":{"N":"5"}}"#)
        #expect(refused.code == 1 && refused.errors.contains("[conditionFailed]"))
        #expect(
            try base.run(
                "delete", base.store, "USER#1", "NOTE#1", "--condition", "n < :n", "--values",
                #"{":n":{"N":"5"}}"#
            ).code == 1)
        #expect(try base.run("delete", base.store, "USER#1", "NOTE#1").code == 0)
        #expect(try base.run("delete", base.store, "USER#1", "NOTE#1").code == 1)

        for arguments in [
            ["query", base.store, "--key-condition", "PK = "],
            ["query", base.store, "--key-condition", "PK = :u"],
            [
                "scan", base.store, "--filter", "a = :v", "--values",
                #"{":v":{"S":"x"},":w":{"S":"y"}}"#,
            ],
            [
                "update", base.store, "USER#1", "NOTE#2", "--expression", "SET PK = :v", "--values",
                #"{":v":{"S":"x"}}"#,
            ],
        ] {
            let wrong = try base.run(arguments)
            #expect(wrong.code == 1 && wrong.errors.contains("[invalidExpression]"), "\(arguments)")
        }
        #expect(try base.run("query", base.store).code == 64)
        #expect(
            try base.run("query", base.store, "USER#1", "--key-condition", "PK = :u").code == 64)
    }
}
