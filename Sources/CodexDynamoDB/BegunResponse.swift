/// The response to a request that has begun, or the work that is left.
public enum BegunResponse: Sendable {
    /// The response of a short request.
    case done(DynamoDBResponse)
    /// The work that is left, which makes the response; it is called once.
    case pending(@Sendable () async -> DynamoDBResponse)
}
