/// A service that answers requests of DynamoDB's API.
///
/// ``DynamoDBService`` is one. A type that wraps it can change what clients get, such as
/// `FaultyDynamoDBService` of the library `CodexDynamoDBFaults`. A server takes either.
public protocol DynamoDBResponder: Sendable {
    /// Performs a request.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`, such as `DynamoDB_20120810.GetItem`.
    ///   - body: The request's body.
    ///   - budget: The limits on the request's time and memory.
    /// - Returns: The response, also for an error.
    func response(
        target: String?, body: [UInt8], budget: RequestBudget
    ) async -> DynamoDBResponse

    /// Begins a request, and performs it at once if that is short and waits for nothing.
    ///
    /// A server can call it on the thread of a connection, if the body has at most
    /// ``RequestBudget/smallByteCount`` bytes. A short request then needs no task. By default, the
    /// whole request is left.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`, such as `DynamoDB_20120810.GetItem`.
    ///   - body: The request's body.
    ///   - budget: The limits on the request's time and memory.
    /// - Returns: The response, also for an error, or the work that is left.
    func begin(target: String?, body: [UInt8], budget: RequestBudget) -> BegunResponse
}

extension DynamoDBResponder {
    /// Leaves the whole request.
    ///
    /// - Parameters:
    ///   - target: The header `X-Amz-Target`.
    ///   - body: The request's body.
    ///   - budget: The limits on the request's time and memory.
    /// - Returns: The request as the work that is left.
    public func begin(
        target: String?, body: [UInt8], budget: RequestBudget
    ) -> BegunResponse {
        .pending { await self.response(target: target, body: body, budget: budget) }
    }
}

extension DynamoDBService: DynamoDBResponder {}
