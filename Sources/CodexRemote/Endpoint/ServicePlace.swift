#if Remote
    internal import CodexCore
    internal import CodexSignatures

    /// Where a service is: its region and its endpoint, from options, environment and shared files.
    struct ServicePlace: Sendable, Hashable {
        let region: String
        let endpoint: ServiceEndpoint
        /// The endpoint of the streams: that of a variable, or the one beside ``endpoint``.
        let streamsEndpoint: ServiceEndpoint

        /// Finds the place of DynamoDB.
        ///
        /// The options come first, then the environment, then the profile of the shared files. An
        /// endpoint for DynamoDB alone comes before one for all services. An endpoint needs no
        /// region: signatures name that of an AWS host, and `us-east-1` for another host.
        ///
        /// - Parameters:
        ///   - region: The region of the options.
        ///   - endpoint: The endpoint of the options.
        ///   - files: The environment and the shared files.
        /// - Throws: ``CodexError/Code/invalidArgument`` if there is no region, or if a region or
        ///   an endpoint is malformed; the errors of the files.
        init(region: String?, endpoint: String?, _ files: SharedFiles) throws(CodexError) {
            let environment = files.environment
            let settings = try files.settings()
            let ignores = environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true"
            let variable = environment.text("AWS_ENDPOINT_URL_DYNAMODB")
            let configured =
                ignores
                ? nil
                : variable ?? environment.text("AWS_ENDPOINT_URL") ?? settings.serviceEndpoint
                    ?? settings["endpoint_url"]
            let address = try (endpoint ?? configured).map { text throws(CodexError) in
                try ServiceEndpoint(parsing: text)
            }
            let name =
                region ?? environment.text("AWS_REGION") ?? environment.text("AWS_DEFAULT_REGION")
                ?? settings["region"]
            guard let found = name ?? address.map({ $0.awsRegion ?? "us-east-1" }) else {
                throw CodexError(
                    .invalidArgument,
                    "There is no region. Set RemoteOptions.region, the variable AWS_REGION, or "
                        + "region in the profile of the file ~/.aws/config.")
            }
            guard AuthorizationHeader.isRegion(found) else {
                throw CodexError(
                    .invalidArgument,
                    "The region is no name of a region. Write one such as eu-central-1.")
            }
            self.region = found
            if let address {
                self.endpoint = address
            } else {
                self.endpoint = try ServiceEndpoint(region: found)
            }
            let streams = ignores ? nil : environment.text("AWS_ENDPOINT_URL_DYNAMODB_STREAMS")
            if endpoint == nil, let streams {
                streamsEndpoint = try ServiceEndpoint(parsing: streams)
            } else {
                streamsEndpoint = self.endpoint.ofStreams
            }
        }
    }

    extension [String: String] {
        /// The value of a variable that is not empty.
        func text(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }
    }
#endif
