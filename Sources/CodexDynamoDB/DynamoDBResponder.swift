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
}

extension DynamoDBService: DynamoDBResponder {}
