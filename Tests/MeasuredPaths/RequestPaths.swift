import CodexCore
import CodexDynamoDB
import CodexStore

extension MeasuredPath {
    /// What a server calls for each request on the thread of its connection.
    static let requestPaths: [MeasuredPath] = [
        request("GetItem of 300 bytes", "GetItem", get) { begun in
            guard case .done(let response) = begun else { return false }
            return response.byteCount > 300
        },
        // The write itself waits for the store's thread.
        request("checks of a PutItem of 300 bytes", "PutItem", put) { begun in
            guard case .pending = begun else { return false }
            return true
        },
    ]

    private static let get = #"{"TableName":"bench","Key":{"p":{"S":"key-7"}}}"#

    /// The request of `make bench-dynamodb`.
    private static let put =
        #"{"TableName":"bench","Item":{"p":{"S":"key-7"},"#
        + #""title":{"S":"A task of some three hundred bytes"},"status":{"S":"inProgress"},"#
        + #""points":{"N":"5"},"labels":{"SS":["one","two"]},"assignee":{"S":"user-1234567"},"#
        + #""body":{"S":"\#(String(repeating: "lorem ipsum ", count: 12))"}}}"#

    private static func request(
        _ name: String, _ operation: String, _ body: String,
        _ isExpected: @escaping @Sendable (BegunResponse) -> Bool
    ) -> MeasuredPath {
        counted("request", name) { directory in
            let service = try await makeService(directory)
            let (target, bytes) = ("DynamoDB_20120810." + operation, Array(body.utf8))
            let budget = RequestBudget(executor: globalConcurrentExecutor)
            return {
                try require(isExpected(service.begin(target: target, body: bytes, budget: budget)))
            }
        }
    }

    /// A service with the table and the item of the requests.
    private static func makeService(_ directory: String) async throws -> DynamoDBService {
        let store = try await makeStore(directory, 0, schema: Schema(tables: []))
        let service = DynamoDBService(store)
        for (operation, body) in [
            (
                "CreateTable",
                #"{"TableName":"bench","BillingMode":"PAY_PER_REQUEST","#
                    + #""KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"#
                    + #""AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}]}"#
            ),
            ("PutItem", put),
        ] {
            let response = await service.response(
                target: "DynamoDB_20120810." + operation, body: Array(body.utf8))
            try require(response.status == 200)
        }
        return service
    }
}
