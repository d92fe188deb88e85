#if Remote
    import CodexDynamoDB

    @testable import CodexRemote

    /// Gives requests to a service in this process.
    struct ServiceTransport: HTTPTransport {
        let service: any DynamoDBResponder

        func send(_ request: TransportRequest) async throws -> TransportResponse {
            let target = request.headers.first { $0.name == "x-amz-target" }?.value
            let response = await service.response(
                target: target, body: request.body, budget: RequestBudget())
            return TransportResponse(status: response.status, body: response.body)
        }

        func close() async {}
    }

    extension RemoteOptions {
        /// The options of a client whose requests go through a transport of a test.
        static func through(_ transport: any HTTPTransport) -> Self {
            var options = Self()
            options.region = "us-east-1"
            options.credentials = StaticCredentials(accessKeyID: "K", secretAccessKey: "S")
            options.transport = transport
            return options
        }
    }
#endif
