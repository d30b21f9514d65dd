import HTTPClient
import Testing

@Suite(.timeLimit(.minutes(2))) struct LoadTests {
    @Test func `five hundred requests are under way at once`() async throws {
        let server = LoopbackServer { _ in .hold }
        let client = try Loopback.client()
        let url = server.url
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<500 {
                group.addTask { try await client.send(ClientRequest(.post, url + "/\(number)", body: [1], timeout: .seconds(60))).status }
            }
            // None is answered before the last one has arrived.
            try await eventually("all requests arrive", within: .seconds(30)) { server.received.count == 500 }
            #expect(client.statistics.inHand == 500)
            server.release(LoopbackServer.response())
            for try await status in group { #expect(status == 200) }
        }
        #expect(Set(server.received.map(\.target)).count == 500)
        #expect(client.statistics.inHand == 0)
    }

    @Test func `endpoints that hang do not slow the others`() async throws {
        let server = LoopbackServer { request in request.target.hasPrefix("/hang") ? .hang : .answer(LoopbackServer.response()) }
        let client = try Loopback.client()
        let url = server.url
        let hanging = (0..<50).map { number in
            Task { await failure(of: client, ClientRequest(.post, url + "/hang/\(number)", body: [1], timeout: .seconds(100))) }
        }
        try await eventually("the hanging requests arrive") { server.received.count == 50 }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<450 {
                group.addTask { try await client.send(ClientRequest(.post, url + "/fast/\(number)", body: [1], timeout: .seconds(30))).status }
            }
            for try await status in group { #expect(status == 200) }
        }
        // All fast ones are done while every slow one still hangs.
        #expect(client.statistics.inHand == 50)
        for task in hanging { task.cancel() }
        for task in hanging { #expect(await task.value?.kind == .cancelled) }
    }

    @Test func `many requests one after the other share few connections`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let client = try Loopback.client()
        let url = server.url
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<250 { _ = try await client.send(ClientRequest(.post, url, body: [1])) } }
            }
            try await group.waitForAll()
        }
        #expect(server.received.count == 2000)
        #expect(server.accepted <= 8)
    }

    @Test func `stopping answers everything that is in hand and refuses the rest`() async throws {
        let server = LoopbackServer { _ in .hang }
        let names = ScriptedNames(["127.0.0.1"])
        let client = try Loopback.client(resolver: names.resolver)
        let port = server.port
        let tasks = (0..<100).map { number in
            Task { await failure(of: client, ClientRequest(.get, "http://host\(number).example:\(port)/", timeout: .seconds(100))) }
        }
        try await eventually("all requests arrive") { server.received.count == 100 }
        client.stop()
        for task in tasks { #expect(await task.value?.kind == .stopped) }
        #expect(client.join(timeout: .seconds(5)))
        #expect(await failure(of: client, ClientRequest(.get, server.url))?.kind == .stopped)
        try await eventually("all connections are closed") { server.closedByPeer == 100 }
        client.stop()
    }

    @Test func `requests that race with the stop are all answered`() async throws {
        for _ in 0..<20 {
            let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
            let client = try Loopback.client()
            let url = server.url
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        if number == 20 { client.stop() }
                        do throws(HTTPClientError) { _ = try await client.send(ClientRequest(.get, url)) } catch { #expect(error.kind == .stopped) }
                    }
                }
            }
            #expect(client.join(timeout: .seconds(5)))
        }
    }

    @Test func `cancellations at any moment leave nothing behind`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let names = ScriptedNames(["127.0.0.1"])
        let client = try Loopback.client(resolver: names.resolver)
        let port = server.port
        let tasks = (0..<400).map { number in
            Task { _ = try? await client.send(ClientRequest(.post, "http://h\(number % 7).example:\(port)/", body: [1])) }
        }
        for (number, task) in tasks.enumerated() {
            if number % 3 == 0 { await Task.yield() }
            task.cancel()
        }
        for task in tasks { await task.value }
        #expect(client.statistics.inHand == 0)
        #expect(try await client.send(ClientRequest(.get, server.url)).status == 200)
    }
}
