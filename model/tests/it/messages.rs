//! The message centre of a node, driven by hand: whom it connects with, and how connections end.

use crate::hand::{Hand, N1, N2, N3, preset};
use model::{Addr, NodeId, Place, messages::Inbox};

/// The next process on the machine of n3.
const N3_AGAIN: NodeId = NodeId { slot: 3, life: 1 };

/// The message centre of a node that sees nobody yet; what it asks of others is only written down.
fn told(node: NodeId, script: impl FnOnce(&mut Hand)) -> String {
    let mut hand = Hand::at(node, Place::Messages, preset("master"));
    hand.start();
    hand.text.clear();
    script(&mut hand);
    hand.text
}

/// The view of the process becomes this.
fn view(hand: &mut Hand, nodes: &[NodeId]) {
    hand.see(nodes);
    hand.hear(Addr::Node(hand.me().node().expect("a node"), Place::Server), Inbox::TargetsChanged);
}

fn from(hand: &mut Hand, node: NodeId, inbox: Inbox) {
    hand.hear(Addr::Node(node, Place::Messages), inbox);
}

/// n2 has a connection with n3, its first one.
fn connected(script: impl FnOnce(&mut Hand)) -> String {
    told(N2, |hand| {
        view(hand, &[N2, N3]);
        from(hand, N3, Inbox::Dialled { connection: 1 });
        from(hand, N3, Inbox::Accepted { connection: 1 });
        hand.text.clear();
        script(hand);
    })
}

/// n2 has a connection that n1 has made.
fn accepted(script: impl FnOnce(&mut Hand)) -> String {
    told(N2, |hand| {
        view(hand, &[N1, N2]);
        from(hand, N1, Inbox::Dial { connection: 1 });
        from(hand, N1, Inbox::Handshake { connection: 1, to: N2 });
        hand.advance(500);
        assert!(hand.text.contains("ConnectionUp"), "{}", hand.text);
        hand.text.clear();
        script(hand);
    })
}

#[test]
fn the_smaller_address_makes_the_connection() {
    let text = told(N2, |hand| {
        view(hand, &[N1, N2, N3]);
        from(hand, N3, Inbox::Dialled { connection: 1 });
        from(hand, N3, Inbox::Accepted { connection: 1 });
    });
    insta::assert_snapshot!(text, @"
    n2/server: TargetsChanged
        -> Dial connection=1 to n3/messages
    n3/messages: Dialled connection=1
        -> Handshake connection=1 n3 to n3/messages
    n3/messages: Accepted connection=1
        ** ConnectionUp n2 n3
    ");
}

#[test]
fn the_larger_address_waits_for_it() {
    let text = told(N2, |hand| {
        view(hand, &[N1, N2]);
        hand.advance(60_000);
        from(hand, N1, Inbox::Dial { connection: 7 });
        from(hand, N1, Inbox::Handshake { connection: 7, to: N2 });
        hand.advance(500);
    });
    insta::assert_snapshot!(text, @"
    n2/server: TargetsChanged
    60000 ms pass
    n1/messages: Dial connection=7
        -> Dialled connection=7 to n1/messages
    n1/messages: Handshake connection=7 n2
    500 ms pass
        ** ConnectionUp n2 n1
        -> Accepted connection=7 to n1/messages
    ");
}

#[test]
fn the_handshake_of_an_unknown_node_waits_until_it_is_known() {
    let text = told(N2, |hand| {
        from(hand, N1, Inbox::Handshake { connection: 1, to: N2 });
        hand.advance(300);
        view(hand, &[N1, N2]);
        hand.advance(600);
    });
    insta::assert_snapshot!(text, @"
    n1/messages: Handshake connection=1 n2
    300 ms pass
    n2/server: TargetsChanged
    600 ms pass
        ** ConnectionUp n2 n1
        -> Accepted connection=1 to n1/messages
    ");
}

#[test]
fn the_handshake_of_a_node_that_stays_unknown_is_refused_after_ten_tries() {
    let text = told(N2, |hand| {
        from(hand, N1, Inbox::Handshake { connection: 1, to: N2 });
        hand.advance(10_000);
    });
    insta::assert_snapshot!(text, @"
    n1/messages: Handshake connection=1 n2
    10000 ms pass
        -> Refused connection=1 to n1/messages
    ");
}

#[test]
fn a_handshake_that_is_meant_for_an_earlier_process_is_refused() {
    let text = told(N3_AGAIN, |hand| {
        view(hand, &[N2, N3_AGAIN]);
        from(hand, N2, Inbox::Dial { connection: 4 });
        from(hand, N2, Inbox::Handshake { connection: 4, to: N3 });
    });
    insta::assert_snapshot!(text, @"
    n3.2/server: TargetsChanged
    n2/messages: Dial connection=4
        -> Dialled connection=4 to n2/messages
    n2/messages: Handshake connection=4 n3
        -> Refused connection=4 to n2/messages
    ");
}

#[test]
fn a_handshake_of_a_larger_address_is_refused() {
    let text = told(N2, |hand| {
        view(hand, &[N2, N3]);
        from(hand, N3, Inbox::Handshake { connection: 4, to: N2 });
    });
    insta::assert_snapshot!(text, @"
    n2/server: TargetsChanged
        -> Dial connection=1 to n3/messages
    n3/messages: Handshake connection=4 n2
        -> Refused connection=4 to n3/messages
    ");
}

#[test]
fn while_a_node_is_dialled_nobody_else_is() {
    let text = told(N1, |hand| {
        view(hand, &[N1, N2]);
        hand.advance(1000);
        view(hand, &[N1, N2, N3]);
        hand.advance(1999);
        hand.advance(1);
        from(hand, N3, Inbox::Dialled { connection: 2 });
        hand.advance(1000);
    });
    insta::assert_snapshot!(text, @"
    n1/server: TargetsChanged
        -> Dial connection=1 to n2/messages
    1000 ms pass
    n1/server: TargetsChanged
    1999 ms pass
    1 ms pass
        ** DialFailed n1 n2
        -> Dial connection=2 to n2/messages
    n3/messages: Dialled connection=2
    1000 ms pass
    ");
}

#[test]
fn a_refused_connection_is_made_again_at_the_next_second() {
    let text = connected(|hand| {
        hand.advance(700);
        from(hand, N2, Inbox::ConnectionReset { peer: N3 });
        hand.advance(299);
        hand.advance(1);
        from(hand, N3, Inbox::Refused { connection: 2 });
        hand.advance(1000);
    });
    insta::assert_snapshot!(text, @"
    700 ms pass
    n2/messages: ConnectionReset n3
        ** ConnectionLost n2 n3 `it was reset`
    299 ms pass
    1 ms pass
        -> Dial connection=2 to n3/messages
    n3/messages: Refused connection=2
        ** DialFailed n2 n3
    1000 ms pass
        -> Dial connection=3 to n3/messages
    ");
}

#[test]
fn a_silent_node_is_given_up_after_fifty_seconds() {
    let text = connected(|hand| {
        hand.advance(20_000);
        from(hand, N3, Inbox::Pong { connection: 1 });
        hand.advance(20_000);
        hand.advance(29_999);
        hand.advance(1);
        hand.advance(1000);
    });
    insta::assert_snapshot!(text, @"
    20000 ms pass
        -> Ping connection=1 to n3/messages
    n3/messages: Pong connection=1
    20000 ms pass
        -> Ping connection=1 to n3/messages
    29999 ms pass
    1 ms pass
        ** ConnectionLost n2 n3 `the other end is silent`
        breaks the connections with n3/messages
        -> StreamClosed connection=1 to n3/messages
    1000 ms pass
        -> Dial connection=2 to n3/messages
    ");
}

#[test]
fn at_the_accepting_end_it_takes_two_minutes() {
    let text = accepted(|hand| {
        hand.advance(60_000);
        hand.advance(59_000);
        hand.advance(1000);
        hand.advance(5000);
    });
    insta::assert_snapshot!(text, @"
    60000 ms pass
        -> Ping connection=1 to n1/messages
    59000 ms pass
    1000 ms pass
        ** ConnectionLost n2 n1 `the other end is silent`
        breaks the connections with n1/messages
        -> StreamClosed connection=1 to n1/messages
    5000 ms pass
    ");
}

#[test]
fn who_is_asked_over_a_connection_that_it_does_not_know_says_so() {
    let text = accepted(|hand| {
        from(hand, N1, Inbox::Ping { connection: 1 });
        from(hand, N1, Inbox::Ping { connection: 2 });
        from(hand, N3, Inbox::Ping { connection: 1 });
    });
    insta::assert_snapshot!(text, @"
    n1/messages: Ping connection=1
        -> Pong connection=1 to n1/messages
    n1/messages: Ping connection=2
        -> StreamClosed connection=2 to n1/messages
    n3/messages: Ping connection=1
        -> StreamClosed connection=1 to n3/messages
    ");
}

#[test]
fn a_new_connection_takes_the_place_of_the_old_one() {
    let text = accepted(|hand| {
        from(hand, N1, Inbox::Handshake { connection: 2, to: N2 });
        from(hand, N1, Inbox::StreamClosed { connection: 1 });
        from(hand, N1, Inbox::StreamClosed { connection: 2 });
        from(hand, N1, Inbox::Handshake { connection: 3, to: N2 });
    });
    insta::assert_snapshot!(text, @"
    n1/messages: Handshake connection=2 n2
        ** ConnectionUp n2 n1
        breaks the connections with n1/messages
        -> Accepted connection=2 to n1/messages
    n1/messages: StreamClosed connection=1
    n1/messages: StreamClosed connection=2
        ** ConnectionLost n2 n1 `the other end closed it`
    n1/messages: Handshake connection=3 n2
        ** ConnectionUp n2 n1
        -> Accepted connection=3 to n1/messages
    ");
}

#[test]
fn a_node_that_leaves_the_view_is_hung_up_on() {
    insta::assert_snapshot!(connected(|hand| view(hand, &[N2])), @"
    n2/server: TargetsChanged
        breaks the connections with n3/messages
        -> StreamClosed connection=1 to n3/messages
    ");
}

#[test]
fn at_the_accepting_end_the_loops_of_a_node_that_leaves_are_only_told_to_end() {
    insta::assert_snapshot!(accepted(|hand| view(hand, &[N2])), @"n2/server: TargetsChanged");
}

#[test]
fn a_restarted_process_is_another_target_on_the_same_machine() {
    let text = connected(|hand| {
        from(hand, N3, Inbox::StreamClosed { connection: 1 });
        view(hand, &[N2, N3, N3_AGAIN]);
        from(hand, N3_AGAIN, Inbox::Dialled { connection: 2 });
        from(hand, N3_AGAIN, Inbox::Accepted { connection: 2 });
        hand.advance(1000);
        // The machine answers, the process is not the one that is meant.
        from(hand, N3_AGAIN, Inbox::Dialled { connection: 3 });
        from(hand, N3_AGAIN, Inbox::Refused { connection: 3 });
        view(hand, &[N2, N3_AGAIN]);
        hand.advance(2000);
    });
    insta::assert_snapshot!(text, @"
    n3/messages: StreamClosed connection=1
        ** ConnectionLost n2 n3 `the other end closed it`
    n2/server: TargetsChanged
        -> Dial connection=2 to n3.2/messages
    n3.2/messages: Dialled connection=2
        -> Handshake connection=2 n3.2 to n3.2/messages
    n3.2/messages: Accepted connection=2
        ** ConnectionUp n2 n3.2
    1000 ms pass
        -> Dial connection=3 to n3/messages
    n3.2/messages: Dialled connection=3
        -> Handshake connection=3 n3 to n3/messages
    n3.2/messages: Refused connection=3
        ** ConnectionLost n2 n3 `it was refused`
    n2/server: TargetsChanged
    2000 ms pass
    ");
}

#[test]
fn a_process_that_shuts_down_takes_no_connections_and_then_makes_none() {
    let text = accepted(|hand| {
        view(hand, &[N1, N2, N3]);
        from(hand, N3, Inbox::Dialled { connection: 1 });
        from(hand, N3, Inbox::Accepted { connection: 1 });
        from(hand, N2, Inbox::StopServing);
        from(hand, N1, Inbox::Dial { connection: 2 });
        from(hand, N1, Inbox::Handshake { connection: 2, to: N2 });
        from(hand, N2, Inbox::CloseTargets);
        hand.advance(5000);
    });
    insta::assert_snapshot!(text, @"
    n2/server: TargetsChanged
        -> Dial connection=1 to n3/messages
    n3/messages: Dialled connection=1
        -> Handshake connection=1 n3 to n3/messages
    n3/messages: Accepted connection=1
        ** ConnectionUp n2 n3
    n2/messages: StopServing
        ** ConnectionLost n2 n1 `it takes no connections any more`
        breaks the connections with n1/messages
        -> StreamClosed connection=1 to n1/messages
    n1/messages: Dial connection=2
        -> Refused connection=2 to n1/messages
    n1/messages: Handshake connection=2 n2
        -> Refused connection=2 to n1/messages
    n2/messages: CloseTargets
        breaks the connections with n3/messages
        -> StreamClosed connection=1 to n3/messages
    5000 ms pass
    ");
}
