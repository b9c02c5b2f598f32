//! How much of what was delivered is in memory at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Room for the bytes of deliveries, as they come over the wire. While one is handled, its data is there two or three times: as
/// bytes, as the handler's type, as what the handler makes of it.
///
/// It is given out in the order of asking, so that a large event is not passed over for ever. One that is larger than all the
/// room takes all of it.
#[derive(Clone, Debug)]
pub(super) struct InHand {
    room: Arc<Semaphore>,
    bytes: u32,
}

/// Given back when it is dropped.
pub(super) type Room = OwnedSemaphorePermit;

impl InHand {
    pub(super) fn new(bytes: usize) -> Self {
        let bytes = u32::try_from(bytes.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self {
            room: Arc::new(Semaphore::new(bytes as usize)),
            bytes,
        }
    }

    /// Waits for room; `None` when there is none in time.
    pub(super) async fn acquire(&self, bytes: usize, deadline: Instant) -> Option<Room> {
        let wanted = u32::try_from(bytes)
            .unwrap_or(u32::MAX)
            .clamp(1, self.bytes);
        let room = Arc::clone(&self.room).acquire_many_owned(wanted);
        if let Ok(room) = timeout_at(deadline, room).await {
            return room.ok();
        }
        tracing::warn!(
            bytes,
            room = self.bytes,
            "a delivery found no room in time: to be retried"
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::InHand;

    #[tokio::test(start_paused = true)]
    async fn what_is_in_hand_is_bounded_and_nothing_is_too_large() {
        let in_hand = InHand::new(100);
        let soon = || Instant::now() + Duration::from_secs(1);
        let small = in_hand.acquire(40, soon()).await.unwrap();
        let other = in_hand.acquire(60, soon()).await.unwrap();
        assert!(in_hand.acquire(1, soon()).await.is_none());
        drop(small);
        assert!(in_hand.acquire(1000, soon()).await.is_none());
        drop(other);
        assert!(in_hand.acquire(1000, soon()).await.is_some());
    }
}
