import CodexCore
import Testing

@testable import CodexDynamoDB

/// The table of requests as it is read.
@Suite("The table of requests")
struct RequestTableTests {
    @Test("The table has no line that cannot be read")
    func problems() {
        let table = RequestTableReader(RequestTable.text)
        #expect(table.problems.isEmpty, "\(table.problems)")
        #expect(table.inputs.count > 30 && table.shapes.count > 100)
    }

    @Test(
        "A line that cannot be read is a problem",
        arguments: [
            "string", "text Name", "string A\nstring A", "operation A\noperation A",
            "structure A\n    Member Missing", "list A Missing", "map A Missing Missing",
            "string A length=3", "string A min=x", "string A enum", "string A pattern=[a-z]+",
            "string B\nstructure A\n    Member B needed", "string B\nstructure A\n    Member",
        ])
    func unreadable(text: String) {
        #expect(!RequestTableReader(text).problems.isEmpty)
    }

    @Test("A structure has as many members as there are bits for them", arguments: 31...33)
    func memberCount(count: Int) {
        let members = (0..<count).map { "    M\($0) A" }.joined(separator: "\n")
        let table = RequestTableReader("string A\nstructure B\n\(members)")
        #expect(table.problems.isEmpty == (count <= RequestShape.memberCountMax))
    }

    @Test("Each operation has a shape of its input")
    func inputs() {
        for name in [
            "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem",
            "BatchWriteItem", "TransactGetItems", "TransactWriteItems", "ExecuteStatement",
            "BatchExecuteStatement", "ExecuteTransaction", "CreateTable", "DescribeTable",
            "UpdateTable", "DeleteTable", "ListTables", "UpdateTimeToLive", "DescribeTimeToLive",
            "TagResource", "UntagResource", "ListTagsOfResource", "DescribeContinuousBackups",
            "UpdateContinuousBackups", "DescribeLimits", "DescribeEndpoints", "ListStreams",
            "DescribeStream", "GetShardIterator", "GetRecords",
        ] {
            #expect(RequestShapes.all.inputs[name] != nil, "\(name)")
        }
    }
}
