"""moto's server, one call at a time for each queue of SQS.

moto answers in threads, and its queues are not made for them (5.2.5, moto/sqs/models.py): a deletion puts a copy of the list of messages in
the list's place, and what was sent while it copied is lost.
"""

from moto.server import main
from moto.sqs.models import SQSBackend


def one_at_a_time(name):
    call = getattr(SQSBackend, name)

    def locked(self, queue_name, *arguments, **named):
        # Sending holds this lock already. It is a condition's: who waits for messages does not keep it.
        with self.get_queue(queue_name)._messages_lock:
            return call(self, queue_name, *arguments, **named)

    setattr(SQSBackend, name, locked)


for name in ("receive_message", "delete_message", "delete_message_batch", "change_message_visibility"):
    one_at_a_time(name)
main()
