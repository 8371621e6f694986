"""Drives a running Souk from eight threads and prints one line for each journey.

The figure to compare is CPU milliseconds of the server for one request: a client in Python is slower than
the server on the lighter journeys, and shares its cores. PostgreSQL's own CPU is not in it.
"""

import http.client
import json
import os
import sys
import threading
import time

THREADS = 8
LINE = "{:11} {:14} {:>9} {:>10} {:>9} {:>9} {:>9}"
TICK = os.sysconf("SC_CLK_TCK")


def cpu_ms(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICK


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


class Client:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method, path, body=None, token=None):
        headers = {"X-Company": "techhub", "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)


def wait(port, pid):
    begun = time.monotonic()
    while True:
        try:
            Client(port).ask("GET", "/api/products?limit=1")
            return (time.monotonic() - begun) * 1000
        except OSError:
            if time.monotonic() - begun > 120:
                raise
            os.kill(pid, 0)
            time.sleep(0.005)


def drive(name, journey, database, port, pid, seconds):
    """Runs a journey from all threads for some seconds; the first second warms up and does not count."""
    lock, times, wrong = threading.Lock(), [], []
    start = time.monotonic() + 1
    end = start + seconds

    def work(number):
        client, turn = Client(port), 0
        while time.monotonic() < end and not wrong:
            begun = time.monotonic()
            try:
                journey(client, number, turn)
            except Exception as error:
                wrong.append(error)
                return
            turn += 1
            if begun >= start:
                with lock:
                    times.append((time.monotonic() - begun) * 1000)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(max(0, start - time.monotonic()))
    cpu = cpu_ms(pid)
    for thread in threads:
        thread.join()
    cpu = cpu_ms(pid) - cpu
    if wrong:
        raise wrong[0]
    times.sort()
    at = lambda part: times[min(len(times) - 1, int(len(times) * part))]
    print(
        LINE.format(
            database, name, f"{len(times) / seconds:.0f}", f"{cpu / len(times):.2f}", f"{at(0.5):.1f}", f"{at(0.99):.1f}", f"{rss_mib(pid):.0f}"
        ),
        flush=True,
    )


def main(database, port, pid, seconds):
    wait(port, pid)
    time.sleep(10)
    print(LINE.format(database, "at rest", "", "", "", "", f"{rss_mib(pid):.0f}"), flush=True)
    client = Client(port)
    products = client.ask("GET", "/api/products?limit=100&inStock=true")["data"]
    admin = client.ask("POST", "/api/auth/login", {"email": "admin@techhub.test", "password": "demo-demo-demo"})["accessToken"]
    goods = []
    for product in products:
        for variant in product["variants"]:
            for place in variant["availability"]:
                if variant["soldBy"] == "unit" and place["available"] > 0:
                    goods.append((variant["id"], place["shopId"]))
    shop = goods[0][1]
    goods = [variant for variant, at in goods if at == shop][:20]
    # A shelf that no checkout here empties.
    for variant in goods:
        location = next(one for one in client.ask("GET", f"/api/inventory/{variant}", token=admin)["locations"] if one["shopId"] == shop)
        full = {"locationId": location["locationId"], "quantity": 100_000, "operation": "set", "reason": "for the measurement"}
        client.ask("PATCH", f"/api/inventory/{variant}", full, admin)
    buyers = []
    for number in range(THREADS):
        person = {"email": f"bench{number}-{pid}@example.test", "password": "a-long-password-42", "name": "Bench"}
        buyers.append(client.ask("POST", "/api/auth/register", person)["accessToken"])
    slug = products[0]["slug"]
    address = {"name": "Bench", "line1": "1 Road", "city": "Pune", "postalCode": "411001", "country": "IN"}

    def checkout(client, number, turn):
        first = (number * 7 + turn) % len(goods)
        lines = [goods[first], goods[(first + 1) % len(goods)]]
        items = [{"variantId": variant, "shopId": shop, "quantity": 1} for variant in lines]
        order = {"shippingAddress": address, "gateway": "test", "paymentMethod": "tok_ok", "items": items}
        placed = client.ask("POST", "/api/orders", order, buyers[number])
        if placed["payment"]["status"] != "completed":
            raise RuntimeError(f"not paid: {placed['payment']}")

    for name, journey in [
        ("list of 20", lambda client, *_: client.ask("GET", "/api/products?limit=20")),
        ("detail", lambda client, *_: client.ask("GET", f"/api/products/{slug}")),
        ("search", lambda client, *_: client.ask("GET", "/api/products?q=wireless&facets=true")),
        ("orders of 50", lambda client, *_: client.ask("GET", "/api/orders?limit=50&status=completed", token=admin)),
        ("checkout of 2", checkout),
    ]:
        drive(name, journey, database, port, pid, seconds)


if sys.argv[1] == "--head":
    print(LINE.format("database", "journey", "a second", "CPU ms", "p50 ms", "p99 ms", "RSS MiB"))
elif sys.argv[1] == "--start":
    print(f"{sys.argv[2]:11} started again, first answer after {wait(int(sys.argv[3]), int(sys.argv[4])):.0f} ms", flush=True)
else:
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
