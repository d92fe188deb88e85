import Codex
import CodexCore
import CodexDynamoDB
import CodexDynamoDBFaults
import CodexRemote
import CodexStore
import CodexTesting
import Foundation

/// Workspaces behind DynamoDB's API, over a client and a service in this process.
enum ServiceScene {
    /// Faults that a client must hide: each is repeated, and nothing is applied twice.
    static let faults = FaultPlan(
        seed: 28,
        rules: [
            FaultRule(.throttle(nil), schedule: .every(11)),
            // An update without an answer leaves a gap in the numbers of tasks.
            FaultRule(
                .internalError(.either),
                operations: ["BatchGetItem", "GetItem", "Query", "TransactWriteItems"],
                schedule: .every(7)),
            FaultRule(
                .transactionConflict, operations: ["TransactWriteItems", "UpdateItem"],
                schedule: .every(13)),
            FaultRule(.unprocessed(share: 0.5), schedule: .every(5)),
        ])

    #if Remote
        /// Gives requests to a service in this process.
        struct Transport: HTTPTransport {
            let service: any DynamoDBResponder

            func send(_ request: TransportRequest) async throws -> TransportResponse {
                let target = request.headers.first { $0.name == "x-amz-target" }?.value
                let response = await service.response(
                    target: target, body: request.body, budget: RequestBudget())
                return TransportResponse(status: response.status, body: response.body)
            }

            func close() async {}
        }

        /// The table of a store, as a client of the service sees it.
        ///
        /// - Parameters:
        ///   - store: The store with the table.
        ///   - plan: The faults of the service; `nil` is none.
        /// - Returns: The table.
        static func table(
            _ store: Store, _ plan: FaultPlan? = nil
        ) throws -> CodexRemote.RemoteTable {
            let plain = DynamoDBService(store)
            var service: any DynamoDBResponder = plain
            if let plan { service = try FaultyDynamoDBService(plain, plan: plan) }
            var options = RemoteOptions()
            options.region = "us-east-1"
            options.credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")
            options.transport = Transport(service: service)
            options.retries.attemptCountMax = 10
            options.retries.firstPause = .milliseconds(1)
            options.retries.pauseMax = .milliseconds(4)
            let definition = try CodexFlow.schema.table(CodexFlow.table)
            return CodexRemote.RemoteTable(definition, try RemoteClient(options))
        }
    #endif

    /// A workspace on the table of a store, behind the service.
    ///
    /// Items of the tests that have no tag are of the present versions.
    ///
    /// - Parameters:
    ///   - store: The store with the table.
    ///   - clock: The clock.
    ///   - plan: The faults of the service; `nil` is none.
    /// - Returns: The workspace.
    static func workspace(
        _ store: Store, _ clock: ManualClock, _ plan: FaultPlan? = nil
    ) throws -> CodexFlow.Workspace {
        #if Remote
            var versions: [String: Int] = [:]
            for entity in CodexFlow.schema.entities {
                versions[entity.name] = entity.schemaVersion
            }
            let backend = try CodexFlow.TableWorkspaceBackend(
                table(store, plan), untaggedVersions: versions)
            return CodexFlow.Workspace(
                backend, clock: { clock.now }, calendar: SystemCalendar())
        #else
            throw CodexError(.unsupportedOperation, "The tests are built without the trait Remote.")
        #endif
    }
}
