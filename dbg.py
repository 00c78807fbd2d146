import sys; sys.path[:0]=["Tests/Acceptance","Tests/Resilience"]
import zmq, tempfile, pathlib, time
from worker import Worker
from curve import *
from zmtp import *
from wire import Dealer, pack
d=pathlib.Path(tempfile.mkdtemp())
ctx=zmq.Context()
made=[]
def peers(k,*a,**o):
    made.append(k(ctx,*a,**o)); return made[-1]
def start(state_dir, ready=True, **o):
    c=d/"c.yaml"; c.write_text(o.pop("config")); return Worker(state_dir,config=c,**o).await_ready()
door=Door(d,start,peers)
o=door.let_in("bob",role="scheduler")
door.start("log_level: debug\n")
for pos in (20, -3, 5, -3, -2, -1, -4,-8, 30, 40):
    p=Raw(door.commands,o)
    p.send(pack([0,7,"ping",[]])); print(p.receive())
    data=bytearray(p.message(pack([0,8,"ping",[]]))); data[pos]^=1
    p.socket.sendall(data); p.socket.settimeout(1)
    import subprocess; port=p.socket.getsockname()[1]
    try: print(pos, p.frame())
    except Exception as e:
        print(pos, repr(e)); hx="%04X"%port; print([l.split()[1:5] for l in open("/proc/net/tcp") if ":"+hx in l]+[l.split()[1:5] for l in open("/proc/net/tcp6") if ":"+hx in l])
    try:
        p.send(pack([0,9,"ping",[]])); print(p.receive())
    except Exception as e:
        print(pos, repr(e)); hx="%04X"%port; print([l.split()[1:5] for l in open("/proc/net/tcp") if ":"+hx in l]+[l.split()[1:5] for l in open("/proc/net/tcp6") if ":"+hx in l])
print(door.worker.output()[-1500:]); door.worker.kill()
