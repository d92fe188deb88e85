#if Server
    import NIOHTTP1
    import Testing

    @testable import CodexflowServer

    /// Which codings of an answer a client takes, by RFC 9110, 12.5.3.
    @Suite("Accepted codings")
    struct AcceptedCodingsTests {
        @Test(
            "Gzip is taken if it is named, or all codings are, with a weight above 0",
            arguments: [
                "gzip", "GZip", "x-gzip", "gzip;q=1", "gzip;q=1.000", "gzip; q=0.001",
                "gzip ;\tQ=0.5", "deflate, gzip;q=0.1, br", "br,,gzip,", " gzip ", "*", "*;q=0.5",
                "identity;q=0.5, *;q=0.7", "identity;q=0.5, gzip;q=0.5", "identity;q=0, gzip",
            ])
        func taken(header: String) {
            #expect(AcceptedCodings(header).takesGzip)
        }

        @Test(
            "Gzip is not taken if it is not named, refused, or less wanted than no coding",
            arguments: [
                nil, "", " ", ",", "identity", "br, deflate", "gzip;q=0", "gzip; q=0.0",
                "gzip;q=0.000", "gzip;Q=0.", "*;q=0", "gzip;q=0, *", "*, gzip;q=0",
                "gzip;q=0, gzip;q=1", "identity;q=1, gzip;q=0.5", "identity, *;q=0.9",
                "notgzip", "gzipped", "gzip deflate", "\"gzip\"",
            ])
        func refused(header: String?) {
            #expect(!AcceptedCodings(header).takesGzip)
        }

        @Test(
            "A weight that is malformed gives gzip no permission",
            arguments: [
                "", "q", "q=", "q=a", "q=2", "q=1.1", "q=1.001", "q=-1", "q=0.1234", "q= 1",
                "q =1", "q=.5", "q=1;q=1", "p=1", "q=1e0", "q=1.0 x",
            ])
        func malformed(weight: String) {
            #expect(!AcceptedCodings("gzip;\(weight)").takesGzip)
            #expect(!AcceptedCodings("gzip;\(weight), *;q=1").takesGzip)
            #expect(!AcceptedCodings("*;\(weight)").takesGzip)
            #expect(!AcceptedCodings("identity;\(weight)").refusesIdentity)
        }

        @Test("An answer without a coding is refused by its name, or by that of all")
        func identity() {
            for header in ["identity;q=0", "identity; q=0.000, gzip", "*;q=0", "gzip, *;q=0"] {
                #expect(AcceptedCodings(header).refusesIdentity, "\(header)")
            }
            for header in [nil, "", "gzip", "*", "*;q=0, identity", "identity;q=0.001, *;q=0"] {
                #expect(!AcceptedCodings(header).refusesIdentity, "\(header ?? "")")
            }
            #expect(AcceptedCodings("gzip, *;q=0").takesGzip)
        }

        @Test("Several lines of the header are one list")
        func lines() throws {
            func fields(_ lines: [String]) throws -> AcceptedCodings {
                let headers = HTTPHeaders(lines.map { ("Accept-Encoding", $0) })
                return AcceptedCodings(try HeadFields(headers)[.acceptEncoding])
            }
            #expect(try fields(["gzip", "br"]).takesGzip)
            #expect(try !fields(["gzip;q=0", "*"]).takesGzip)
            #expect(try fields(["gzip", "identity;q=0"]).refusesIdentity)
        }
    }
#endif
