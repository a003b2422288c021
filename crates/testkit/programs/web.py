"""A web application that does not leak, while it answers requests.

Takes the folder with the packages, and `django` or `fastapi`. The command `load N` answers N
requests, `start` goes on with requests on another thread until `stop`, which says how many there
were. The greeting has `version`.
"""

import http.client
import json
import logging
import os
import sys
import threading

import protocol

sys.path.insert(0, sys.argv[1])

logging.disable(logging.CRITICAL)


# In memory, and the same for all threads.
DATABASE = "file:shop?mode=memory&cache=shared"


def django_client():
    """Asks a Django application with models, an admin site, translations and templates."""
    import django
    from django.conf import settings

    contrib = ["admin", "auth", "contenttypes", "sessions", "messages"]
    processors = (
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    )
    middleware = (
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    )
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="__main__",
        SECRET_KEY="of a test",
        USE_I18N=True,
        INSTALLED_APPS=["django.contrib." + name for name in contrib],
        MIDDLEWARE=middleware,
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": processors},
            }
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}},
        STATIC_URL="/static/",
    )
    django.setup()
    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.http import JsonResponse
    from django.test import Client
    from django.urls import path

    def user(request, number):
        names = [user.username for user in User.objects.order_by("id")[:number]]
        return JsonResponse({"names": names})

    def broken(request):
        raise ValueError("the application has an error")

    global urlpatterns
    urlpatterns = [
        path("users/<int:number>", user),
        path("broken", broken),
        path("admin/", admin.site.urls),
    ]
    call_command("migrate", verbosity=0)
    User.objects.bulk_create(User(username="user %d" % number) for number in range(50))
    client = Client(raise_request_exception=False)

    def ask(number):
        language = ("en", "de", "fr", "ja")[number % 4]
        if number % 40 == 1:
            wanted, answer = 500, client.get("/broken")
        elif number % 5 == 0:
            wanted, answer = 200, client.get("/admin/login/", HTTP_ACCEPT_LANGUAGE=language)
        else:
            wanted, answer = 200, client.get("/users/%d" % (number % 50))
        assert answer.status_code == wanted, answer

    return ask, django.__version__


def fastapi_client():
    """Asks a FastAPI application over connections that stay, served by uvicorn."""
    import asyncio

    import fastapi
    import pydantic
    import uvicorn

    class Article(pydantic.BaseModel):
        name: str
        price: float
        tags: list[str] = []

    class Order(pydantic.BaseModel):
        article: Article
        total: float

    application = fastapi.FastAPI()

    @application.get("/articles/{number}")
    async def article(number: int, query: str = ""):
        await asyncio.sleep(0)
        return {"number": number, "query": query, "similar": list(range(50))}

    @application.post("/orders")
    def order(article: Article) -> Order:
        return Order(article=article, total=article.price * 2)

    @application.get("/broken")
    def broken():
        raise fastapi.HTTPException(500, "the application has an error")

    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_level="critical")
    server = uvicorn.Server(config)
    ready = threading.Event()
    startup = server.startup

    async def and_say(*arguments, **named):
        await startup(*arguments, **named)
        ready.set()

    server.startup = and_say
    threading.Thread(target=server.run, name="uvicorn", daemon=True).start()
    ready.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    connections = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(4)]

    def ask(number):
        connection = connections[number % len(connections)]
        wanted = 200
        if number % 3 == 0:
            article = {"name": "article %d" % number, "price": number, "tags": ["new"]}
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/orders", json.dumps(article), headers)
        elif number % 40 == 1:
            wanted = 500
            connection.request("GET", "/broken")
        else:
            connection.request("GET", "/articles/%d?query=text+%d" % (number, number))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == wanted, answer.status

    return ask, fastapi.__version__


ask, version = {"django": django_client, "fastapi": fastapi_client}[sys.argv[2]]()
asked = 0
stopping = threading.Event()
asking = None


def load(count):
    global asked
    for _ in range(int(count)):
        ask(asked)
        asked += 1
    return asked


def start(_):
    """Goes on with requests beside what is answered here."""
    global asking
    started = threading.Event()

    def go_on():
        try:
            load(1)
        finally:
            started.set()
        while not stopping.is_set():
            load(1)

    asking = threading.Thread(target=go_on, name="asking")
    asking.start()
    started.wait()
    return asked


def stop(_):
    stopping.set()
    asking.join()
    return asked


protocol.serve({"pid": os.getpid(), "version": version}, {"load": load, "start": start, "stop": stop})
